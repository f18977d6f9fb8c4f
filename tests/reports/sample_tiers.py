"""What the tiers of a sample run say of themselves, second by second."""

from __future__ import annotations

from typing import Any

import numpy as np

from results import Sample
from tests.reports.sample_shape import Shape


def tier_samples(
    sample: Shape, arrivals: np.ndarray, down: range, random: np.random.Generator
) -> list[Sample]:
    """Every tier's samples of every second."""
    busy = sample.busy(arrivals)
    total = np.cumsum(arrivals)
    rows: list[Sample] = []

    def put(tier: str, instance: str, metric: str, values: np.ndarray, kind: str = "gauge") -> None:
        if tier not in sample.tiers:
            return
        from_s, to_s = (sample.gap_s(arrivals.size) if tier == "replica" else None) or (-1.0, -1.0)
        rows.extend(
            Sample(second + 0.5, tier, instance, metric, float(value), "counter" if kind == "c" else "gauge")
            for second, value in enumerate(values)
            if not from_s <= second < to_s
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
