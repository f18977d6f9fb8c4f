"""Small runs of a system whose every figure is chosen, written through the store as a real run is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from analysis.capacity.level import Purpose
from results import (
    Account,
    Digest,
    Endpoint,
    Event,
    Flow,
    Gap,
    Histogram,
    Interval,
    Part,
    Run,
    RunWriter,
    Sample,
    open_run,
)

Metrics = dict[tuple[str, str, str], float]
"""(tier, instance, metric) -> its value, or for a counter its growth per second."""

COUNTERS = (
    "wait_count", "wait_seconds", "use_seconds", "timeouts", "requests", "retries", "redispatches",
    "errors_5xx", "hits", "misses", "evictions", "expired", "ops", "row_lock_waits", "row_lock_time_ms",
    "deadlocks", "questions", "selects", "refused_connections", "rejected", "done", "usec", "calls",
    "cpu_seconds",
)  # fmt: skip

READ = Endpoint("todo.list", "trpc")


@dataclass
class LevelSpec:
    """One level: its rate, how its answers were, what each tier said."""

    rate_per_s: float
    seconds: int = 12
    mean_ms: float = 12.0
    parts_ms: dict[str, float] = field(default_factory=lambda: {"db": 4.0, "cache": 1.0, "pool": 0.2})
    finished_ratio: float = 1.0
    failed_ratio: float = 0.0
    errors: dict[str, int] = field(default_factory=dict)
    metrics: Metrics = field(default_factory=dict)
    growth: Metrics = field(default_factory=dict)
    """How much a gauge grows per second within the level."""
    gaps: list[tuple[str, str]] = field(default_factory=list)
    without: tuple[str, ...] = ()
    """Tiers that were not watched."""
    purpose: Purpose = "narrow"
    wake_lag_us: float = 400.0


def healthy(rate_per_s: float) -> Metrics:
    """What every tier of the stack says when it carries a rate without trouble (it would carry 800/s)."""
    load = rate_per_s / 800
    hits = 0.9 * rate_per_s
    said: Metrics = {("host", "host", "cpu_ratio"): 0.1 + 0.7 * load, ("host", "host", "cpus"): 2}
    cores = {
        ("web", "web1"): 0.35, ("web", "web2"): 0.35, ("api", "api1"): 0.5, ("primary", "primary"): 0.1,
        ("replica", "replica"): 0.2, ("redis", "redis"): 0.1, ("lb", "haproxy"): 0.1, ("jobs", "jobs1"): 0.03,
        ("generator", "g0"): 0.3,
    }  # fmt: skip
    for (tier, instance), share in cores.items():
        said[tier, instance, "cpu_ratio"] = share * load
        said[tier, instance, "cpu_seconds"] = share * load
    for pool in ("primary", "replica"):
        name = f"pool.{pool}"
        said |= {
            ("api", "api1", f"{name}.used"): 4 * load, ("api", "api1", f"{name}.max"): 10,
            ("api", "api1", f"{name}.pending"): 0, ("api", "api1", f"{name}.wait_count"): rate_per_s / 2,
            ("api", "api1", f"{name}.wait_seconds"): rate_per_s / 2 * 2e-5,
            ("api", "api1", f"{name}.use_seconds"): 4 * load, ("api", "api1", f"{name}.timeouts"): 0,
        }  # fmt: skip
        said |= {
            (pool, pool, "connections"): 14, (pool, pool, "connections_max"): 200,
            (pool, pool, "refused_connections"): 0, (pool, pool, "row_lock_time_ms"): 2,
            (pool, pool, "row_lock_waits"): 0.3, (pool, pool, "row_lock_current_waits"): 0,
            (pool, pool, "selects"): rate_per_s * 0.2,
        }  # fmt: skip
    said |= {
        ("api", "api1", "workers.used"): 8 * load, ("api", "api1", "workers.max"): 64,
        ("api", "api1", "workers.pending"): 0, ("api", "api1", "cache.query.hits"): hits,
        ("api", "api1", "cache.query.misses"): rate_per_s - hits,
        ("replica", "replica", "lag_ms"): 12, ("replica", "replica", "sql_running"): 1,
        ("replica", "replica", "io_running"): 1, ("redis", "redis", "hits"): hits,
        ("redis", "redis", "misses"): rate_per_s - hits, ("redis", "redis", "evictions"): 0,
        ("redis", "redis", "expired"): 0.1, ("redis", "redis", "memory_bytes"): 20e6,
        ("redis", "redis", "memory_max_bytes"): 64e6, ("redis", "redis", "clients"): 12,
        ("redis", "redis", "clients_max"): 10_000, ("redis", "redis", "rejected"): 0,
        ("redis", "redis", "command.get.usec"): rate_per_s * 8,
        ("redis", "redis", "command.get.calls"): rate_per_s,
        ("jobs", "jobs1", "jobs.queued"): 1, ("jobs", "jobs1", "jobs.done"): rate_per_s / 20,
        ("lb", "backend/web", "queue"): 0, ("lb", "backend/web", "queue_time_ms"): 0,
        ("lb", "frontend/public", "sessions"): 20 * load + 5,
        ("lb", "frontend/public", "sessions_limit"): 2000,
    }  # fmt: skip
    for server in ("web/web1", "web/web2"):
        said |= {
            ("lb", server, "up"): 1, ("lb", server, "response_time_ms"): 10,
            ("lb", server, "requests"): rate_per_s / 2, ("lb", server, "sessions"): 3,
        }  # fmt: skip
    return said


def spec(rate_per_s: float, metrics: Metrics | None = None, **changes: Any) -> LevelSpec:
    """A healthy level with some figures changed."""
    return LevelSpec(rate_per_s, metrics=healthy(rate_per_s) | (metrics or {}), **changes)


def build_run(
    folder: Path,
    levels: Sequence[LevelSpec],
    digests: Iterable[Digest] = (),
    slos: str = "p99 < 250ms, errors < 0.1%",
    capacity: bool = True,
    events: Iterable[Event] = (),
    intervals: Iterable[Interval] = (),
    **info: Any,
) -> Run:
    """Write the levels one after the other and open the run; they are events if `capacity`, else stages.

    `digests`, `events` and `intervals` are written besides.
    """
    random = np.random.default_rng(11)
    stages = ", ".join(f"{level.rate_per_s:g}/s for {level.seconds}s" for level in levels)
    facts = {
        "id": "built", "kind": "capacity" if capacity else "run", "scenario": "scenarios/web/trpc.py",
        "target": "local", "started_at": "2026-11-23T21:10:00+00:00", "slos": slos, "warmup_s": 0,
        "stages": "" if capacity else stages, "duration_s": sum(level.seconds for level in levels),
    }  # fmt: skip
    path = folder / "run.db"
    scheduled = finished = failed = 0
    totals: Metrics = {}
    with RunWriter(path, **(facts | info)) as writer:
        begin = 0
        for number, level in enumerate(levels):
            end = begin + level.seconds
            for second in range(begin, end):
                n = int(random.poisson(level.rate_per_s))
                bad = round(n * level.failed_ratio)
                ended = int(n * level.finished_ratio) - bad
                writer.add_intervals([_interval(second, level, n, bad, random)] if n else [])
                writer.add_flows([_flow(second, level, n, ended, bad)])
                writer.add_samples(_samples(second, second - begin, level, totals))
                scheduled, finished, failed = scheduled + n, finished + ended, failed + bad
            writer.add_gaps([Gap(tier, one, begin, end, "does not answer") for tier, one in level.gaps])
            data = {"from_s": begin, "to_s": end, "rate_per_s": level.rate_per_s, "purpose": level.purpose}
            if capacity:
                writer.add_events([Event(end, "level", f"level {number}", data=data)])
            begin = end
        writer.add_digests(digests)
        writer.add_events(events)
        writer.add_intervals(intervals)
        left = scheduled - finished - failed
        writer.set_account("g0", Account(scheduled, finished, failed, left, 0))
    return open_run(path)


def _interval(second: int, level: LevelSpec, n: int, bad: int, random: np.random.Generator) -> Interval:
    times = random.gamma(4, level.mean_ms / 4, max(n, 0)) * 1000
    piece = Interval(second, "g0", READ, Histogram.from_values_us(times), Histogram.from_values_us(times))
    piece.failed = bad
    piece.errors = {kind: (count, kind) for kind, count in level.errors.items()}
    piece.parts = {name: Part(n, ms * 1000 * n, ms * 3000) for name, ms in level.parts_ms.items() if n and ms}
    return piece


def _flow(second: int, level: LevelSpec, n: int, ended: int, bad: int) -> Flow:
    in_flight = round(level.rate_per_s * level.finished_ratio * level.mean_ms / 1000)
    lag = Histogram.from_values_us(np.full(max(n, 1), level.wake_lag_us))
    return Flow(second, "g0", n, ended + bad, ended, bad, n, in_flight, 0, 100, lag)


def _samples(second: int, age: int, level: LevelSpec, totals: Metrics) -> list[Sample]:
    found = []
    for (tier, instance, metric), value in level.metrics.items():
        if tier in level.without or ((tier, instance) in level.gaps and not metric.startswith("cpu")):
            continue
        if metric.split(".")[-1] in COUNTERS or ".wait_bucket." in metric:
            totals[tier, instance, metric] = totals.get((tier, instance, metric), 0.0) + value
            found.append(
                Sample(second + 0.9, tier, instance, metric, totals[tier, instance, metric], "counter")
            )
        else:
            grown = level.growth.get((tier, instance, metric), 0.0) * age
            found.append(Sample(second + 0.9, tier, instance, metric, value + grown))
    return found
