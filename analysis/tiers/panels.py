"""Which figures and lines make up the panel of each tier."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from analysis.samples import Samples
from analysis.tiers.panel import Panel, TierPanel, Track
from analysis.timeline import MOST_WINDOWS
from results import Gap, Series

TIERS: dict[str, str] = {
    "lb": "Load balancer",
    "web": "Web instances",
    "api": "API",
    "primary": "MySQL primary",
    "replica": "Read replica",
    "redis": "Redis",
    "jobs": "Background jobs",
    "host": "Host",
    "generator": "Load generators",
}

_BLIND = {
    "lb": "how evenly the instances were used, and whether requests queued before them",
    "web": "how busy the web instances were",
    "api": "whether a connection pool or the API's own CPU was the limit",
    "primary": "whether writes waited for locks or for the primary",
    "replica": "whether reads were behind the primary, and what they cost it",
    "redis": "what the cache kept away, and whether it had to evict",
    "jobs": "whether background jobs kept up",
    "host": "whether the machine itself was full, and which process filled it",
    "generator": "whether the load generator itself was the limit",
}


def missing_tiers(samples: Samples) -> list[tuple[str, str]]:
    """Tiers that never answered: (title, what the report therefore cannot tell)."""
    return [(title, _BLIND[tier]) for tier, title in TIERS.items() if tier not in samples.tiers]


def tier_panels(samples: Samples, gaps: list[Gap], duration_s: float) -> list[TierPanel]:
    """A panel for each tier that was watched, in the order of a request's way; unknown tiers last."""
    width_s = max(math.ceil(duration_s / MOST_WINDOWS), 1)
    named = [*TIERS, *sorted(set(samples.tiers) - set(TIERS))]
    panels = []
    for tier in named:
        panel = Panel(samples, tier, width_s)
        _FILL.get(tier, _process)(panel)
        panels.append(panel.done(TIERS.get(tier, tier), gaps))
    return [panel for panel in panels if panel is not None]


def _lb(panel: Panel) -> None:
    """HAProxy's frontends, backends and servers are instances of their own; backends sum their servers up."""
    samples = panel.samples
    servers = [name for name in samples.instances("lb", "up") if "/" in name]
    panel.highest("Connections, highest", "connections", "connections_max")
    for name in samples.instances("lb", "sessions_limit"):
        limit = samples.highest("lb", "sessions_limit", name)
        if name.startswith("frontend/") or name == panel.tier or "/" not in name:
            panel.figure(f"Sessions, {name}", samples.highest("lb", "sessions", name), "count", of=limit)
    waiting = [samples.highest("lb", "queue", name) or 0.0 for name in samples.instances("lb", "queue")]
    panel.figure("Queue, highest", max(waiting, default=None), "count", "requests waiting for a server")
    for title, metric in (
        ("Retries", "retries"),
        ("Redispatches", "redispatches"),
        ("5xx answers", "errors_5xx"),
    ):
        grown = [samples.increase("lb", metric, name) for name in _summing(samples.instances("lb", metric))]
        known = [value for value in grown if value is not None]
        total = sum(known) if known else None
        panel.figure(title, total, "count", alarming=bool(total))
    for title, metric in (("Queue time, mean", "queue_time_ms"), ("Connect time, mean", "connect_time_ms")):
        times = [samples.mean("lb", metric, name) for name in _summing(samples.instances("lb", metric))]
        panel.figure(title, max((time for time in times if time is not None), default=None), "ms")
    backends = sorted({name.split("/")[0] for name in servers})
    for backend in backends:
        lines = panel.tracks("requests", prefix=f"{backend}/")
        if len(lines) > 1:
            panel.chart(f"Requests per second by server of {backend}", "per_s", lines)
    queues = [
        _renamed(track, track.name.removeprefix("backend/"))
        for track in panel.tracks("queue", highest=True)
        if track.name in _summing([one.instance for one in samples.all("lb", "queue")])
    ]
    panel.chart("Waiting for a server", "count", queues)
    _process(panel, chart=False)


def _summing(instances: list[str]) -> list[str]:
    """The instances that sum others up, or all where none does, so that nothing counts twice."""
    return [name for name in instances if name.startswith("backend/")] or instances


def _web(panel: Panel) -> None:
    _process(panel)
    _workers(panel)


def _api(panel: Panel) -> None:
    samples, tier = panel.samples, panel.tier
    _process(panel)
    _workers(panel)
    pools = sorted({m.split(".")[1] for m in samples.metrics(tier) if m.startswith("pool.")})
    for pool in pools:
        name = f"pool.{pool}"
        panel.highest(f"Pool {pool}, highest in use", f"{name}.used", f"{name}.max")
        panel.figure(
            f"Pool {pool}, highest waiting",
            samples.highest(tier, f"{name}.pending"),
            "count",
            "callers at once",
        )
        waits = samples.increase(tier, f"{name}.wait_count")
        seconds = samples.increase(tier, f"{name}.wait_seconds")
        if waits and seconds is not None:
            panel.figure(f"Pool {pool}, mean wait", seconds / waits * 1e3, "ms", f"{waits:,.0f} waits")
        panel.count(f"Pool {pool}, timeouts", f"{name}.timeouts", bad=True)
        limit = samples.highest(tier, f"{name}.max")
        used = panel.tracks(f"{name}.used", highest=True)
        waiting = panel.tracks(f"{name}.pending", highest=True)
        lines = [_renamed(track, "in use", len(used) > 1) for track in used]
        lines += [_renamed(track, "waiting", len(used) > 1) for track in waiting]
        panel.chart(
            f"Connection pool, {pool}", "count", lines, limit=limit, limit_name=f"all {limit or 0:.0f} in use"
        )


def _workers(panel: Panel) -> None:
    """How many requests were served at once, where the number is limited."""
    samples, tier = panel.samples, panel.tier
    limit = samples.highest(tier, "workers.max")
    if not limit:
        return
    panel.highest("Workers busy, highest", "workers.used", "workers.max")
    panel.figure(
        "Waiting for a worker", samples.highest(tier, "workers.pending"), "count", "requests at once"
    )
    busy = panel.tracks("workers.used", highest=True)
    panel.chart("Workers busy", "count", busy, limit=limit, limit_name="all busy")


def _renamed(track: Track, what: str, with_instance: bool = False) -> Track:
    return replace(track, name=f"{track.name} {what}" if with_instance else what)


def _database(panel: Panel) -> None:
    samples, tier = panel.samples, panel.tier
    panel.highest("Connections, highest", "connections", "connections_max")
    panel.figure("Running threads, mean", samples.mean(tier, "threads_running"), "count")
    panel.figure("Queries", samples.mean(tier, "questions"), "per_s")
    panel.figure("Commits", samples.mean(tier, "commits"), "per_s")
    panel.count("Row lock waits", "row_lock_waits")
    panel.count("Deadlocks", "deadlocks", bad=True)
    panel.count("Slow queries", "slow_queries", bad=True)
    panel.count("Refused connections", "refused_connections", "max_connections reached", bad=True)
    connections = panel.tracks("connections", highest=True)
    running = panel.tracks("threads_running")
    lines = [_renamed(track, "open") for track in connections] + [
        _renamed(track, "running") for track in running
    ]
    panel.chart(
        "Connections", "count", lines,
        limit=samples.highest(tier, "connections_max"), limit_name="max_connections",
    )  # fmt: skip
    if (samples.highest(tier, "row_lock_time_ms") or 0) > 0:
        waits = [_renamed(track, "waiting") for track in panel.tracks("row_lock_time_ms")]
        panel.chart("Waiting for row locks, ms per second", "ms", waits)
    _process(panel, chart=tier == "primary")


def _replica(panel: Panel) -> None:
    samples = panel.samples
    panel.figure("Lag, mean", samples.mean("replica", "lag_ms"), "ms")
    panel.figure("Lag, highest", samples.highest("replica", "lag_ms"), "ms")
    for metric, name in (("io_running", "Receiving"), ("sql_running", "Applying")):
        up = samples.mean("replica", metric)
        panel.figure(name, up, "ratio", "of the time", alarming=up is not None and up < 1)
    panel.chart("Lag behind the primary", "ms", panel.tracks("lag_ms", highest=True))
    _database(panel)


def _redis(panel: Panel) -> None:
    samples = panel.samples
    hits, misses = samples.increase("redis", "hits"), samples.increase("redis", "misses")
    if hits is not None and misses is not None and hits + misses > 0:
        panel.figure("Hits", hits / (hits + misses), "ratio", f"of {hits + misses:,.0f} lookups")
    panel.figure("Commands", samples.mean("redis", "ops"), "per_s")
    panel.highest("Memory, highest", "memory_bytes", "memory_max_bytes", "bytes")
    panel.count("Evictions", "evictions", "keys dropped for room", bad=True)
    panel.count("Expired", "expired")
    panel.highest("Clients, highest", "clients", "clients_max")
    panel.count("Rejected clients", "rejected", bad=True)
    panel.count("Error replies", "errors", bad=True)
    for instance in samples.instances("redis", "hits"):
        good, bad = samples.get("redis", instance, "hits"), samples.get("redis", instance, "misses")
        if good is not None and bad is not None and good.at_s.size == bad.at_s.size:
            total = good.values + bad.values
            share = good.values / np.where(total == 0, np.nan, total)
            ratio = Series("redis", instance, "hit_ratio", "gauge", good.at_s, share)
            panel.chart("Hit ratio", "ratio", panel.track(ratio, "hits"))
    panel.chart(
        "Memory", "bytes", panel.tracks("memory_bytes", highest=True),
        limit=samples.highest("redis", "memory_max_bytes"), limit_name="maxmemory",
    )  # fmt: skip
    _process(panel, chart=False)


def _jobs(panel: Panel) -> None:
    samples = panel.samples
    panel.figure("Queue, highest", samples.highest("jobs", "jobs.queued"), "count", "jobs waiting")
    panel.figure("Done", samples.mean("jobs", "jobs.done"), "per_s")
    started = samples.increase("jobs", "jobs.start_count")
    if started:
        for title, metric in (
            ("Mean time to start", "jobs.start_seconds"),
            ("Mean time to finish", "jobs.finish_seconds"),
        ):
            seconds = samples.increase("jobs", metric)
            panel.figure(title, None if seconds is None else seconds / started * 1e3, "ms")
    panel.count("Retried", "jobs.retried", bad=True)
    panel.count("Dead", "jobs.dead", bad=True)
    panel.chart("Jobs waiting", "count", panel.tracks("jobs.queued", highest=True))
    panel.chart("Jobs done per second", "per_s", panel.tracks("jobs.done"))
    _process(panel, chart=False)


def _host(panel: Panel) -> None:
    samples = panel.samples
    panel.figure("CPU, mean", samples.mean("host", "cpu_ratio"), "ratio", "of all cores")
    panel.figure("CPU, highest", samples.highest("host", "cpu_ratio"), "ratio", of=1.0)
    panel.highest("Memory, highest", "memory_used_bytes", "memory_total_bytes", "bytes")
    panel.chart(
        "CPU of the machine", "ratio", panel.tracks("cpu_ratio"), limit=1.0, limit_name="all cores busy"
    )
    cores = [
        (tier, tracks) for tier in samples.tiers if tier != "host" and (tracks := _summed_cores(panel, tier))
    ]
    cores.sort(key=lambda pair: -float(np.nanmean(pair[1].values)))
    panel.chart("CPU cores by tier", "cores", [track for _, track in cores[:7]], stacked=True)


def _summed_cores(panel: Panel, tier: str) -> Track | None:
    series = panel.samples.all(tier, "cpu_ratio")
    if not series:
        return None
    at_s = np.arange(0, max(float(one.at_s[-1]) for one in series) + 1e-9, panel.width_s) + panel.width_s / 2
    total = sum(np.interp(at_s, one.at_s, one.values, left=0, right=0) for one in series)
    return Track(tier, at_s, np.asarray(total))


def _generator(panel: Panel) -> None:
    samples = panel.samples
    panel.figure("CPU, highest", samples.highest("generator", "cpu_ratio"), "cores", "of 1 core each", of=1.0)
    panel.figure("CPU, mean", samples.mean("generator", "cpu_ratio"), "cores", "cores")
    panel.figure("Loop lag, highest", _ms(samples.highest("generator", "loop_lag_us")), "ms")
    panel.chart("CPU of each generator", "cores", panel.tracks("cpu_ratio"), limit=1.0, limit_name="one core")


def _ms(value_us: float | None) -> float | None:
    return None if value_us is None else value_us / 1e3


def _process(panel: Panel, *, chart: bool = True) -> None:
    """What every process has: CPU and memory."""
    samples, tier = panel.samples, panel.tier
    panel.figure("CPU, mean", samples.mean(tier, "cpu_ratio"), "cores", "cores, each process")
    panel.figure("CPU, highest", samples.highest(tier, "cpu_ratio"), "cores", "cores")
    panel.figure("Memory, highest", samples.highest(tier, "rss_bytes"), "bytes", "resident")
    if chart:
        panel.chart("CPU cores in use", "cores", panel.tracks("cpu_ratio"))


_FILL: dict[str, Callable[[Panel], None]] = {
    "lb": _lb,
    "web": _web,
    "api": _api,
    "primary": _database,
    "replica": _replica,
    "redis": _redis,
    "jobs": _jobs,
    "host": _host,
    "generator": _generator,
}
