"""A stored run with every tier in it, made from formulas, so that pages are tested without a stack.

The system it describes: two web instances and one API over a primary and a replica. Its response times
follow an M/M/1-like curve with a limit near `capacity_per_s`; the replica's pool is what fills up first.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from results import Digest, Event, Gap, LogGroup, RunWriter, Stages
from tests.reports.sample_load import write_flows, write_requests
from tests.reports.sample_shape import Shape
from tests.reports.sample_tiers import tier_samples

__all__ = ["ENVIRONMENT", "Shape", "write_sample"]

ENVIRONMENT = {
    "versions": {
        "harness": "0.1.0",
        "python": "3.11.7",
        "locust": "2.47.0",
        "haproxy": "2.6.12",
        "mariadb": "10.11.14",
        "redis": "7.0.15",
    },
    "knobs": {"web.instances": 2, "api.instances": 1, "api.pool_size": 10, "cache.ttl_s": 3600},
    "host": {
        "name": "bench",
        "cpu": "2 x AMD EPYC 7B13",
        "memory_bytes": 25_769_803_776,
        "kernel": "Linux 6.1",
    },
}


def write_sample(folder: Path, sample: Shape | None = None, run_id: str = "20261123-211000-trpc") -> Path:
    """Write run.db into `folder`/`run_id` and return its path."""
    sample = sample or Shape()
    stages = Stages.parse(sample.stages)
    seconds = int(stages.duration_s)
    path = folder / run_id / "run.db"
    facts = {
        "id": run_id,
        "scenario": "scenarios/web/trpc.py",
        "target": "local",
        "started_at": "2026-11-23T21:10:00+00:00",
        "stages": stages.text,
        "slos": sample.slos,
        "warmup_s": sample.warmup_s,
        "duration_s": seconds,
        "plan": {"arrivals": "poisson", "seed": sample.seed, "max_users": 1000},
        "environment": ENVIRONMENT,
    }
    if sample.limit_per_s is not None:
        facts |= {"kind": "capacity", "stages": ""}
    random = np.random.default_rng(sample.seed)
    with RunWriter(path, **(facts | sample.info)) as writer:
        rates = np.array([stages.rate_at(second + 0.5) for second in range(seconds)])
        arrivals = random.poisson(rates)
        down = sample.down(seconds)
        failed = write_requests(writer, sample, arrivals, down, random)
        write_flows(writer, arrivals, failed, sample, random)
        writer.add_samples(tier_samples(sample, arrivals, down, random))
        _write_story(writer, sample, seconds, down)
    return path


def _write_story(writer: RunWriter, sample: Shape, seconds: int, down: range) -> None:
    events = [Event(0, "stage", "load begins"), Event(sample.warmup_s, "warmup", "warm-up ends")]
    if down:
        events += [
            Event(down.start, "backend", "web1 down", "lb", "web/web1"),
            Event(down.stop, "backend", "web1 up", "lb", "web/web1"),
        ]
    writer.add_events([event for event in events if event.at_s <= seconds] + _levels(sample))
    if gap_s := sample.gap_s(seconds):
        writer.add_gaps([Gap("replica", "replica", *gap_s, "timed out after 900 ms")])
    if "primary" in sample.tiers:
        writer.add_digests(_digests())
    writer.add_logs(
        [
            LogGroup("api", "api1", "WARNING", "slow query: N ms", 41, 33.0, "slow query: 212 ms"),
            LogGroup(
                "lb", "haproxy", "ALERT", "web1 is DOWN", 1, float(down.start), "web/web1 is DOWN: refused"
            ),
        ]
    )


def _levels(sample: Shape) -> list[Event]:
    """The levels of a search, as the one who steers writes them down."""
    if sample.limit_per_s is None:
        return []
    return [
        Event(
            end_s,
            "level",
            f"{rate:g}/s",
            data={
                "from_s": begin_s,
                "to_s": end_s,
                "rate_per_s": rate,
                "purpose": "bracket",
                "passed": rate <= sample.limit_per_s,
            },
        )
        for begin_s, end_s, rate in Stages.parse(sample.stages).holds()
    ]


def _digests() -> list[Digest]:
    replica = "replica"
    todo = "SELECT `id` , `title` , `done` FROM `todo` WHERE `team_id` = ? ORDER BY `due` LIMIT ?"
    search = "SELECT `id` FROM `todo` WHERE `team_id` = ? AND MATCH ( `title` , `body` ) AGAINST ( ? )"
    return [
        Digest(replica, replica, todo, 11_240, 41.2e6, 0.4e6, 224_800, 246_100),
        Digest(replica, replica, search, 1_004, 22.9e6, 0.1e6, 18_050, 2_411_000),
        Digest("primary", "primary", "INSERT INTO `todo` ( ... ) VALUES (...)", 2_010, 6.3e6, 1.9e6),
        Digest("primary", "primary", "COMMIT", 2_010, 3.1e6),
    ]
