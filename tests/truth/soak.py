"""Stored runs of a soak, made from histograms: what a day at 11,574 requests/s leaves behind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import stats

from drive.course import FOLD_EVERY_S
from results import Account, Endpoint, Flow, Histogram, Interval, Part, RunWriter, bucket_low_us
from results.folding import AFTER_S

MEDIANS_US = (4e3, 7e3, 12e3, 20e3, 3e3, 9e3, 31e3, 14e3, 24e3, 1e3)
WARMUP_S = 60


def write_soak(path: Path, hours: float, requests: float, factor: float = 1.0, seed: int = 1) -> int:
    """A run of ten endpoints, second by second and folded as a course does; returns its requests.

    It has a day's ups and downs.
    """
    random = np.random.default_rng(seed)
    seconds = int(hours * 3600)
    each = requests / seconds / len(MEDIANS_US)
    edges = np.append(bucket_low_us, np.inf)
    shares = [np.diff(stats.lognorm.cdf(edges, 0.5, scale=median * factor)) for median in MEDIANS_US]
    total = 0
    facts = {"id": path.parent.name, "scenario": "scenarios/web/journey.py", "target": "local"}
    facts |= {
        "started_at": "2026-01-05T00:00:00+00:00",
        "stages": f"{each * len(MEDIANS_US):.0f}/s for {seconds}s",
    }
    with RunWriter(path, **facts, warmup_s=WARMUP_S, duration_s=seconds) as writer:
        for second in range(seconds):
            day = 1 + 0.3 * np.sin(2 * np.pi * second / seconds)
            rows = []
            for number, share in enumerate(shares):
                times = Histogram(random.poisson(share * each * day).astype(np.int64))
                parts = {name: Part(times.count, times.count * 900.0, 9e4) for name in ("db", "cache")}
                called = Endpoint(f"call {number}", "trpc")
                rows.append(Interval(second, "g0", called, times, times, parts=parts))
            done = sum(row.count for row in rows)
            total += done
            writer.add_intervals(rows)
            writer.add_flows([Flow(second, "g0", done, done, done, 0, done, 40, 0, 80)])
            if second % FOLD_EVERY_S == 0:
                writer.fold(second - AFTER_S, [WARMUP_S])
                writer.commit()
        if seconds > AFTER_S:
            writer.fold(seconds, [WARMUP_S])
        writer.set_account("g0", Account(total, total))
    return total
