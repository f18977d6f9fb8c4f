"""The API with its connection pools, and the workers of background jobs."""

from __future__ import annotations

import numpy as np

from analysis.samples import Samples
from analysis.tiers.front import renamed, workers
from analysis.tiers.panel import Panel, Unit
from analysis.tiers.process import process
from analysis.waits import wait_buckets, wait_quantile_ms

_POOL_COLUMNS: list[tuple[str, Unit]] = [
    ("Of", "count"),
    ("In use, mean", "ratio"),
    ("In use, highest", "ratio"),
    ("Waiting, highest", "count"),
    ("Waits", "count"),
    ("Wait, mean", "ms"),
    ("Wait, p50", "ms"),
    ("Wait, p99", "ms"),
    ("Timeouts", "count"),
]


def api(panel: Panel) -> None:
    """Processes, workers and connection pools."""
    panel.lead = (
        "A pool is saturated where all its connections are in use and callers wait: the wait is time that no"
        " statement took."
    )
    process(panel)
    workers(panel)
    samples = panel.samples
    names = sorted({m.split(".")[1] for m in samples.metrics(panel.tier) if m.startswith("pool.")})
    rows = []
    for pool in names:
        name = f"pool.{pool}"
        panel.highest(f"Pool {pool}, highest in use", f"{name}.used", f"{name}.max")
        timeouts = samples.increase(panel.tier, f"{name}.timeouts")
        panel.counted(f"Pool {pool}, timeouts", timeouts, bad=True, nothing=f"timeouts of pool {pool}")
        rows.append((pool, _pool_row(samples, panel.tier, name)))
        _pool_chart(panel, pool)
    panel.table("Connection pools", _POOL_COLUMNS, rows, bad=("Timeouts",), first="Pool")
    for pool in names:
        _wait_histogram(panel, pool)


def _pool_row(samples: Samples, tier: str, name: str) -> list[float | None]:
    limit = samples.highest(tier, f"{name}.max")
    used, highest = samples.mean(tier, f"{name}.used"), samples.highest(tier, f"{name}.used")
    waits, seconds = (
        samples.increase(tier, f"{name}.wait_count"),
        samples.increase(tier, f"{name}.wait_seconds"),
    )
    bounds, counts = wait_buckets(samples, tier, name)
    return [
        limit or None,
        used / limit if used is not None and limit else None,
        highest / limit if highest is not None and limit else None,
        samples.highest(tier, f"{name}.pending"),
        waits,
        seconds / waits * 1e3 if waits and seconds is not None else None,
        wait_quantile_ms(bounds, counts, 0.5),
        wait_quantile_ms(bounds, counts, 0.99),
        samples.increase(tier, f"{name}.timeouts"),
    ]


def _pool_chart(panel: Panel, pool: str) -> None:
    limit = panel.samples.highest(panel.tier, f"pool.{pool}.max")
    used = panel.tracks(f"pool.{pool}.used", highest=True)
    waiting = panel.tracks(f"pool.{pool}.pending", highest=True)
    lines = [renamed(track, "in use", len(used) > 1) for track in used]
    lines += [renamed(track, "waiting", len(used) > 1) for track in waiting if track.values.any()]
    title = f"Connection pool, {pool}"
    panel.chart(title, "count", lines, limit=limit, limit_name=f"all {limit or 0:.0f} in use")


def _wait_histogram(panel: Panel, pool: str) -> None:
    """How many waits took how long, where the pool tells it."""
    bounds, counts = wait_buckets(panel.samples, panel.tier, f"pool.{pool}")
    if not counts.size or counts[-1] <= 0:
        return
    each = np.diff(np.concatenate([[0.0], counts]))
    shares = each / counts[-1]
    rows: list[tuple[str, list[float | None]]] = [
        (f"up to {_bound(bound)}" if np.isfinite(bound) else "longer", [float(number), float(share)])
        for bound, number, share in zip(bounds, each, shares, strict=True)
        if number > 0
    ]
    panel.table(
        f"Waits for pool {pool}", [("Waits", "count"), ("Share", "ratio")], rows, first="Wait", folded=True
    )


def _bound(seconds: float) -> str:
    return f"{seconds * 1e3:g} ms" if seconds < 1 else f"{seconds:g} s"


def jobs(panel: Panel) -> None:
    """The queue and what became of its jobs."""
    samples = panel.samples
    panel.lead = (
        "A job waits from when it was put into the queue: time to start is the queue, the rest its work."
    )
    highest = samples.highest("jobs", "jobs.queued")
    panel.counted("Queue, highest", highest, "jobs waiting", nothing="jobs waiting")
    panel.figure("Done", samples.mean("jobs", "jobs.done"), "per_s")
    started = samples.increase("jobs", "jobs.start_count")
    if started:
        for title, metric in (
            ("Mean time to start", "jobs.start_seconds"),
            ("Mean time to finish", "jobs.finish_seconds"),
        ):
            seconds = samples.increase("jobs", metric)
            panel.figure(title, None if seconds is None else seconds / started * 1e3, "ms", "from enqueued")
    panel.count("Retried", "jobs.retried", bad=True)
    panel.count("Dead", "jobs.dead", bad=True)
    panel.chart("Jobs waiting", "count", panel.tracks("jobs.queued", highest=True))
    panel.chart("Jobs done per second", "per_s", panel.tracks("jobs.done"))
    process(panel, chart=False)
