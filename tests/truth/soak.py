"""Stored runs of a soak, made from histograms: what a day at 11,574 requests/s leaves behind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import stats

from results import Account, Endpoint, Flow, Histogram, Interval, Part, RunWriter, bucket_low_us

MEDIANS_US = (4e3, 7e3, 12e3, 20e3, 3e3, 9e3, 31e3, 14e3, 24e3, 1e3)
PIECE_S = 10


def write_soak(path: Path, hours: float, requests: float, factor: float = 1.0, seed: int = 1) -> int:
    """A run of ten endpoints in pieces of 10 s, with a day's ups and downs; returns its requests."""
    random = np.random.default_rng(seed)
    pieces = int(hours * 3600 / PIECE_S)
    each = requests / pieces / len(MEDIANS_US)
    edges = np.append(bucket_low_us, np.inf)
    shares = [np.diff(stats.lognorm.cdf(edges, 0.5, scale=median * factor)) for median in MEDIANS_US]
    total = 0
    facts = {"id": path.parent.name, "scenario": "scenarios/web/journey.py", "target": "local"}
    facts |= {
        "started_at": "2026-01-05T00:00:00+00:00",
        "stages": f"{each / PIECE_S * 10:.0f}/s for {pieces * PIECE_S}s",
    }
    with RunWriter(path, **facts, warmup_s=60, duration_s=pieces * PIECE_S) as writer:
        for piece in range(pieces):
            day = 1 + 0.3 * np.sin(2 * np.pi * piece / pieces)
            rows = []
            for number, share in enumerate(shares):
                times = Histogram(random.poisson(share * each * day).astype(np.int64))
                count = times.count
                parts = {name: Part(count, count * 900.0, 9e4) for name in ("db", "cache")}
                rows.append(
                    Interval(
                        piece * PIECE_S,
                        "g0",
                        Endpoint(f"call {number}", "trpc"),
                        times,
                        times,
                        parts=parts,
                        span_s=PIECE_S,
                    )
                )
                total += count
            done = sum(row.count for row in rows)
            writer.add_intervals(rows)
            writer.add_flows([Flow(piece * PIECE_S, "g0", done, done, done, 0, done, 40, 0, 80)])
            if piece % 60 == 0:
                writer.commit()
        writer.set_account("g0", Account(total, total))
    return total
