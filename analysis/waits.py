"""How long callers of a connection pool waited, by the histogram that the pool keeps."""

from __future__ import annotations

import numpy as np

from analysis.samples import Floats, Samples


def wait_buckets(samples: Samples, tier: str, name: str) -> tuple[Floats, Floats]:
    """Upper bounds in s and waits up to each, over all instances; empty where the pool tells no histogram.

    Stored as counters `NAME.wait_bucket.BOUND`, cumulative as Prometheus has them.
    """
    prefix = f"{name}.wait_bucket."
    metrics = [metric for metric in samples.metrics(tier) if metric.startswith(prefix)]
    found = sorted(
        (float(metric.removeprefix(prefix)), grown)
        for metric in metrics
        if (grown := samples.increase(tier, metric)) is not None
    )
    return np.array([bound for bound, _ in found]), np.array([grown for _, grown in found])


def wait_quantile_ms(bounds_s: Floats, counts: Floats, q: float) -> float | None:
    """Linear within a bucket, as Prometheus's histogram_quantile; the last bound where it lies beyond."""
    if not counts.size or counts[-1] <= 0:
        return None
    rank = q * counts[-1]
    place = int(np.searchsorted(counts, rank))
    if not np.isfinite(bounds_s[place]):
        return float(bounds_s[place - 1] * 1e3) if place else None
    below, start = (counts[place - 1], bounds_s[place - 1]) if place else (0.0, 0.0)
    inside = counts[place] - below
    share = (rank - below) / inside if inside > 0 else 1.0
    return float((start + (bounds_s[place] - start) * share) * 1e3)
