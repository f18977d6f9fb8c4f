"""A stored run with every tier in it, made from formulas, so that pages are tested without a stack.

The system it describes: two web instances and one API over a primary and a replica. Its response times
follow an M/M/1-like curve with a limit near `capacity_per_s`; the replica's pool is what fills up first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from results import (
    Account,
    Digest,
    Endpoint,
    Event,
    Flow,
    Gap,
    Histogram,
    Interval,
    LogGroup,
    Part,
    RunWriter,
    Sample,
    Stages,
)

ENDPOINTS: list[tuple[Endpoint, float, float, int]] = [
    # endpoint, share of the requests, median service time in ms, bytes of an answer
    (Endpoint("todo.list", "trpc"), 0.30, 9.0, 5_400),
    (Endpoint("todo.create", "trpc"), 0.10, 12.0, 310),
    (Endpoint("todo.search", "trpc"), 0.05, 31.0, 3_900),
    (Endpoint("calendar.month", "trpc"), 0.08, 14.0, 8_800),
    (Endpoint("notification.count", "trpc"), 0.12, 3.2, 120),
    (Endpoint("page /dashboard", "page"), 0.15, 24.0, 21_000),
    (Endpoint("page /teams/{slug}", "page"), 0.08, 19.0, 17_500),
    (Endpoint("asset", "asset"), 0.12, 0.9, 9_600),
]


@dataclass
class Shape:
    """What the sample is to look like."""

    stages: str = "ramp to 240/s over 60s, 200/s for 60s"
    slos: str = "p99 < 250ms, errors < 0.1%, todo.list p95 < 100ms"
    warmup_s: float = 10
    capacity_per_s: float = 260.0
    endpoints: int = len(ENDPOINTS)
    tiers: tuple[str, ...] = ("lb", "web", "api", "primary", "replica", "redis", "jobs", "host", "generator")
    replica_gap: bool = True
    web1_down: bool = True
    seed: int = 7
    limit_per_s: float | None = None
    """Makes it the run of a capacity search: its held levels pass up to this rate."""
    info: dict[str, Any] = field(default_factory=dict)


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
        down = _down_seconds(sample, seconds)
        failed = _write_requests(writer, sample, arrivals, down, random)
        _write_flows(writer, arrivals, failed, sample, random)
        writer.add_samples(_samples(sample, arrivals, down, random))
        _write_story(writer, sample, seconds, down)
    return path


def _down_seconds(sample: Shape, seconds: int) -> range:
    """When web1 is down: a stretch of 6 s in the last third."""
    begin = seconds * 3 // 4
    return range(begin, min(begin + 6, seconds)) if sample.web1_down else range(0)


def load_of(sample: Shape, arrivals: np.ndarray) -> np.ndarray:
    """Utilisation of the sample's limit by second, at most 0.97."""
    return np.minimum(arrivals / sample.capacity_per_s, 0.97)


def _endpoints(sample: Shape) -> list[tuple[Endpoint, float, float, int]]:
    many = list(ENDPOINTS)
    while len(many) < sample.endpoints:
        endpoint, share, median, size = ENDPOINTS[len(many) % len(ENDPOINTS)]
        many.append((Endpoint(f"{endpoint.name} {len(many)}", endpoint.kind), share / 4, median * 1.2, size))
    return many[: sample.endpoints]


def _write_requests(
    writer: RunWriter,
    sample: Shape,
    arrivals: np.ndarray,
    down: range,
    random: np.random.Generator,
) -> np.ndarray:
    """Intervals of every second; returns failed arrivals by second."""
    busy = load_of(sample, arrivals)
    mix = _endpoints(sample)
    shares = np.array([share for _, share, _, _ in mix])
    failed = np.zeros(arrivals.size, dtype=int)
    for second, number in enumerate(arrivals.tolist()):
        pieces = []
        counts = random.multinomial(number, shares / shares.sum())
        for (endpoint, _, median_ms, size), count in zip(mix, counts.tolist(), strict=True):
            if count:
                piece = _interval(second, endpoint, median_ms, size, count, float(busy[second]), random)
                if second in down and endpoint.kind == "page":
                    piece.failed = max(1, count // 3)
                    piece.errors = {"HTTP 503": (piece.failed, "503 Service Unavailable: no server is up")}
                failed[second] += piece.failed
                pieces.append(piece)
        if second == 0:
            pieces.append(_setup(random))
        writer.add_intervals(pieces)
    return failed


def _interval(
    second: int,
    endpoint: Endpoint,
    median_ms: float,
    size: int,
    count: int,
    busy: float,
    random: np.random.Generator,
) -> Interval:
    work_us = random.lognormal(np.log(median_ms * 1e3), 0.45, count)
    wait_us = random.exponential(median_ms * 900 * busy / (1 - busy), count) * (random.random(count) < busy)
    if endpoint.kind == "asset":
        wait_us *= 0.02
    service = work_us + wait_us
    response = service + random.exponential(900, count) * (random.random(count) < busy**6)
    parts = {}
    if endpoint.kind != "asset":
        shares = {"db": work_us * 0.48, "cache": work_us * 0.06, "render": work_us * 0.22, "pool": wait_us}
        parts = {name: Part(count, float(v.sum()), float(v.max())) for name, v in shares.items()}
    received = int(size * count)
    return Interval(
        second,
        "g0",
        endpoint,
        Histogram.from_values_us(service),
        Histogram.from_values_us(response),
        bytes_received=received,
        parts=parts,
    )


def _setup(random: np.random.Generator) -> Interval:
    times = Histogram.from_values_us(random.lognormal(np.log(85e3), 0.3, 40))
    return Interval(0, "g0", Endpoint("sign in", "page", True), times, times.copy(), bytes_received=80_000)


def _write_flows(
    writer: RunWriter,
    arrivals: np.ndarray,
    failed: np.ndarray,
    sample: Shape,
    random: np.random.Generator,
) -> None:
    busy = load_of(sample, arrivals)
    flows = []
    for second, number in enumerate(arrivals.tolist()):
        in_flight = int(number * 0.02 / (1 - busy[second]))
        lag = Histogram.from_values_us(random.lognormal(np.log(250), 0.6, max(number, 1)))
        bad = int(failed[second])
        flows.append(
            Flow(
                second,
                "g0",
                number,
                number,
                number - bad,
                bad,
                number,
                in_flight,
                max(0, in_flight - 60),
                80,
                lag,
            )
        )
    writer.add_flows(flows)
    total, bad = int(arrivals.sum()), int(failed.sum())
    writer.set_account(
        "g0", Account(total, total - bad - 2, bad, 2, 0) if total > 2 else Account(total, total)
    )


def _write_story(writer: RunWriter, sample: Shape, seconds: int, down: range) -> None:
    events = [Event(0, "stage", "load begins"), Event(sample.warmup_s, "warmup", "warm-up ends")]
    if down:
        events += [
            Event(down.start, "backend", "web1 down", "lb", "web/web1"),
            Event(down.stop, "backend", "web1 up", "lb", "web/web1"),
        ]
    writer.add_events([event for event in events if event.at_s <= seconds] + _levels(sample))
    if sample.replica_gap and seconds >= 20 and "replica" in sample.tiers:
        gap = Gap("replica", "replica", seconds * 0.4, seconds * 0.4 + 8, "timed out after 900 ms")
        writer.add_gaps([gap])
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


def _samples(sample: Shape, arrivals: np.ndarray, down: range, random: np.random.Generator) -> list[Sample]:
    busy = load_of(sample, arrivals)
    total = np.cumsum(arrivals)
    rows: list[Sample] = []

    def put(tier: str, instance: str, metric: str, values: np.ndarray, kind: str = "gauge") -> None:
        if tier not in sample.tiers:
            return
        gap = sample.replica_gap and tier == "replica" and arrivals.size >= 20
        hole = (arrivals.size * 0.4, arrivals.size * 0.4 + 8) if gap else (-1, -1)
        rows.extend(
            Sample(second + 0.5, tier, instance, metric, float(value), "counter" if kind == "c" else "gauge")
            for second, value in enumerate(values)
            if not hole[0] <= second < hole[1]
        )

    def noisy(level: np.ndarray, part: float = 0.06) -> np.ndarray:
        return np.maximum(level * (1 + random.normal(0, part, level.size)), 0)

    is_up = np.array([second not in down for second in range(arrivals.size)], dtype=float)
    web_share = np.where(is_up > 0, 0.5, 0.0)
    put("lb", "frontend/public", "sessions", noisy(arrivals * 0.05 / (1 - busy)))
    put("lb", "frontend/public", "sessions_limit", np.full(arrivals.size, 2000.0))
    for name, share in (("web/web1", web_share), ("web/web2", 1 - web_share)):
        put("lb", name, "requests", np.cumsum(arrivals * 0.45 * share), "c")
        put("lb", name, "retries", np.cumsum((is_up == 0) * 4.0 * (name == "web/web1")), "c")
        put("lb", name, "up", is_up if name == "web/web1" else np.ones(arrivals.size))
    put("lb", "backend/web", "queue", np.round(noisy(np.maximum(busy - 0.8, 0) * 40)))
    put("lb", "backend/web", "retries", np.cumsum((is_up == 0) * 4.0), "c")
    put("lb", "api/api1", "requests", np.cumsum(arrivals * 0.65), "c")
    for metric, level in (
        ("queue_time_ms", np.maximum(busy - 0.8, 0) * 30),
        ("connect_time_ms", busy * 0.2),
        ("response_time_ms", 9 + 14 * busy / (1 - busy)),
        ("total_time_ms", 10 + 15 * busy / (1 - busy)),
    ):
        put("lb", "backend/web", metric, noisy(level))
    put("lb", "frontend/public", "cache_lookups", total * 0.10, "c")
    put("lb", "frontend/public", "cache_hits", total * 0.088, "c")
    for tier, instance, cores in (
        ("web", "web1", 0.30),
        ("web", "web2", 0.31),
        ("api", "api1", 0.62),
        ("primary", "primary", 0.16),
        ("replica", "replica", 0.28),
        ("redis", "redis", 0.05),
        ("jobs", "jobs1", 0.04),
        ("lb", "haproxy", 0.09),
        ("generator", "g0", 0.22),
    ):
        level = noisy(busy * cores) * (is_up if instance == "web1" else 1)
        put(tier, instance, "cpu_ratio", level)
        put(tier, instance, "rss_bytes", np.full(arrivals.size, (60 + 200 * cores) * 2**20))
    _put_app(put, noisy, busy, total)
    _put_servers(put, noisy, busy, total, arrivals)
    return rows


def _put_app(put: Any, noisy: Any, busy: np.ndarray, total: np.ndarray) -> None:
    full = np.full(busy.size, 10.0)
    put("api", "api1", "pool.replica.used", np.minimum(np.round(noisy(busy * 10.4)), 10))
    put("api", "api1", "pool.replica.max", full)
    put("api", "api1", "pool.replica.pending", np.round(noisy(np.maximum(busy - 0.85, 0) * 120)))
    put("api", "api1", "pool.replica.wait_count", np.cumsum(np.maximum(busy - 0.7, 0) * 90), "c")
    put("api", "api1", "pool.replica.wait_seconds", np.cumsum(np.maximum(busy - 0.7, 0) * 4), "c")
    put("api", "api1", "pool.replica.timeouts", np.zeros(busy.size), "c")
    put("api", "api1", "pool.primary.used", np.round(noisy(busy * 2.2)))
    put("api", "api1", "pool.primary.max", full)
    put("api", "api1", "pool.primary.pending", np.zeros(busy.size))
    put("api", "api1", "cache.query.hits", total * 0.52, "c")
    put("api", "api1", "cache.query.misses", total * 0.05, "c")
    for name, part, seconds in (("todo.list", 0.75, 0.0004), ("team.dashboard", 0.25, 0.0012)):
        put("api", "api1", f"cache_class.{name}.hits", total * 0.52 * part, "c")
        put("api", "api1", f"cache_class.{name}.misses", total * 0.05 * part, "c")
        put("api", "api1", f"cache_class.{name}.seconds", total * part * seconds, "c")
    put("api", "api1", "cache.session.hits", total * 0.63, "c")
    put("api", "api1", "cache.session.misses", total * 0.004, "c")


def _put_servers(put: Any, noisy: Any, busy: np.ndarray, total: np.ndarray, arrivals: np.ndarray) -> None:
    size = busy.size
    for tier, share in (("primary", 0.16), ("replica", 0.5)):
        put(tier, tier, "connections", np.round(4 + busy * 12 * share * 2))
        put(tier, tier, "connections_max", np.full(size, 151.0))
        put(tier, tier, "threads_running", np.round(noisy(1 + busy * 7 * share)))
        put(tier, tier, "questions", total * share * 2, "c")
        put(tier, tier, "buffer_pool_read_requests", total * share * 90, "c")
        put(tier, tier, "buffer_pool_reads", total * share * 0.15, "c")
        put(tier, tier, "slow_queries", np.zeros(size), "c")
    put("primary", "primary", "commits", total * 0.11, "c")
    put("primary", "primary", "row_lock_waits", np.cumsum(np.maximum(busy - 0.6, 0) * 3), "c")
    put("primary", "primary", "row_lock_time_ms", np.cumsum(np.maximum(busy - 0.6, 0) * 30), "c")
    put("primary", "primary", "row_lock_current_waits", np.round(np.maximum(busy - 0.8, 0) * 6))
    put("primary", "primary", "deadlocks", np.zeros(size), "c")
    put("replica", "replica", "lag_ms", noisy(40 + 260 * busy**4, 0.2))
    put("replica", "replica", "io_running", np.ones(size))
    put("replica", "replica", "sql_running", np.ones(size))
    put("redis", "redis", "hits", total * 1.15, "c")
    put("redis", "redis", "misses", total * 0.054, "c")
    put("redis", "redis", "evictions", np.zeros(size), "c")
    put("redis", "redis", "expired", total * 0.001, "c")
    put("redis", "redis", "memory_bytes", 6e6 + total * 900.0)
    put("redis", "redis", "memory_max_bytes", np.full(size, 64.0 * 2**20))
    put("redis", "redis", "ops", total * 1.3, "c")
    put("redis", "redis", "clients", np.full(size, 14.0))
    put("redis", "redis", "clients_max", np.full(size, 10_000.0))
    put("jobs", "jobs1", "jobs.queued", np.round(noisy(busy * 9)))
    put("jobs", "jobs1", "jobs.done", total * 0.1, "c")
    put("jobs", "jobs1", "jobs.retried", np.zeros(size), "c")
    put("host", "host", "cpu_ratio", np.minimum(noisy(0.06 + busy * 0.82), 1))
    put("host", "host", "cpus", np.full(size, 2.0))
    put("host", "host", "memory_used_bytes", np.full(size, 3.1e9))
    put("host", "host", "memory_total_bytes", np.full(size, 25.8e9))
