"""The whole distribution of latencies as a curve: percentile against latency, and latency against rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.timeline import Timeline
from results import Histogram, Stages

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Spectrum:
    """Latencies in us at shares `q`, both of shape (n,); empty when nothing was recorded."""

    q: Floats
    latency_us: Floats

    @property
    def nines(self) -> Floats:
        """-log10(1 - q): 1 at p90, 2 at p99, 3 at p99.9."""
        return -np.log10(1 - self.q)


def spectrum(histogram: Histogram, points: int = 80) -> Spectrum:
    """The quantiles from the median's side up to the last one that at least one request stands for."""
    count = histogram.count
    if count == 0:
        return Spectrum(np.empty(0), np.empty(0))
    nines = np.linspace(0, max(np.log10(count), 0.31), points)
    q = 1 - 10.0**-nines
    return Spectrum(q, histogram.quantiles_us(q))


@dataclass(frozen=True)
class RatePoint:
    """One stretch of a run: what was achieved and how long answers took. Latencies in us, nan if none."""

    from_s: float
    to_s: float
    rate_per_s: float
    p50_us: float
    p95_us: float
    p99_us: float
    error_ratio: float
    held: bool
    """Whether the rate was held, so that the figures are those of a level rather than of a passage."""


def rate_curve(
    timeline: Timeline, stages: Stages | None, warmup_s: float, most_points: int = 14
) -> list[RatePoint]:
    """Response time against achieved rate: one point for each held level, several for each ramp.

    Ordered by rate. Windows before `warmup_s` are left out. Points on the way are made of at least two
    windows and of enough windows that `most_points` suffice, as a p99 of a few requests is only noise.
    """
    stretches: list[tuple[float, float, bool]] = []
    end = float(timeline.to_s[-1])
    held = stages.holds() if stages else []
    position = warmup_s
    for begin, until, _ in held:
        stretches += _cut(position, min(begin, end), most_points)
        if min(until, end) > max(begin, warmup_s):
            stretches.append((max(begin, warmup_s), min(until, end), True))
        position = max(position, until)
    stretches += _cut(position, end, most_points)
    points = [_point(timeline, *stretch) for stretch in stretches]
    return sorted((point for point in points if point is not None), key=lambda point: point.rate_per_s)


def _cut(from_s: float, to_s: float, pieces: int) -> list[tuple[float, float, bool]]:
    if to_s - from_s < 2:
        return []
    edges = np.linspace(from_s, to_s, min(pieces, int((to_s - from_s) // 2)) + 1)
    return [(float(a), float(b), False) for a, b in zip(edges[:-1], edges[1:], strict=True)]


def _point(timeline: Timeline, from_s: float, to_s: float, held: bool) -> RatePoint | None:
    inside = (timeline.mid_s >= from_s) & (timeline.mid_s < to_s)
    histogram = Histogram(timeline.counts[inside].sum(axis=0))
    requests = histogram.count
    span_s = float((timeline.to_s - timeline.from_s)[inside].sum())
    if not requests or span_s <= 0:
        return None
    p50, p95, p99 = (float(value) for value in histogram.quantiles_us([0.5, 0.95, 0.99]))
    failed = float(timeline.failed[inside].sum())
    return RatePoint(from_s, to_s, requests / span_s, p50, p95, p99, failed / requests, held)
