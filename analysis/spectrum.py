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


FEWEST_REQUESTS = 300
"""A p99 needs at least that many to stand on 3 requests."""


@dataclass(frozen=True)
class RatePoint:
    """One stretch of a run: what was achieved and how long answers took. Latencies in us, nan if none."""

    from_s: float
    to_s: float
    requests: int
    rate_per_s: float
    p50_us: float
    p95_us: float
    p99_us: float
    error_ratio: float
    held: bool
    """Whether the rate was held, so that the figures are those of a level rather than of a passage."""


def rate_curve(
    timeline: Timeline, stages: Stages | None, warmup_s: float, most_points: int = 12
) -> list[RatePoint]:
    """Response time against achieved rate: one point for each held level, several for what lies between.

    Ordered by rate. Windows before `warmup_s` are left out. Between held levels, windows are pooled by
    their rate (smoothed, as arrivals are random) into at most `most_points` bins of equal width, and a bin
    with fewer than `FEWEST_REQUESTS` is left out: the p99 of a few requests is only noise. So is a bin
    within a half of its width of a held level, which knows better.
    """
    at = timeline.mid_s
    free = at >= warmup_s
    points: list[RatePoint] = []
    for begin, until, _ in stages.holds() if stages else []:
        inside = (at >= max(begin, warmup_s)) & (at < until)
        free &= ~((at >= begin) & (at < until))
        points += _point(timeline, inside, held=True)
    held_rates = np.array([point.rate_per_s for point in points])
    rate = _smoothed(timeline.rate_per_s, 5)
    if free.any():
        low, high = float(rate[free].min()), float(rate[free].max())
        width = max((high - low) / most_points, 1e-9)
        number = np.minimum(((rate - low) / width).astype(np.int64), most_points - 1)
        for bin_number in np.unique(number[free]):
            for point in _point(timeline, free & (number == bin_number), held=False):
                near = np.abs(held_rates - point.rate_per_s) < width / 2
                if point.requests >= FEWEST_REQUESTS and not near.any():
                    points.append(point)
    return sorted(points, key=lambda point: point.rate_per_s)


def _smoothed(values: Floats, over: int) -> Floats:
    """The centred moving mean, over fewer values at the ends."""
    over = min(over, values.size)
    ones = np.ones(over)
    weight = np.convolve(np.ones(values.size), ones, "same")
    return np.asarray(np.convolve(values, ones, "same") / weight, dtype=np.float64)


def _point(timeline: Timeline, inside: npt.NDArray[np.bool_], *, held: bool) -> list[RatePoint]:
    """The windows as one point; none if they hold no request."""
    histogram = Histogram(timeline.counts[inside].sum(axis=0))
    requests = histogram.count
    span_s = float((timeline.to_s - timeline.from_s)[inside].sum())
    if not requests or span_s <= 0:
        return []
    p50, p95, p99 = (float(value) for value in histogram.quantiles_us([0.5, 0.95, 0.99]))
    failed = float(timeline.failed[inside].sum())
    from_s, to_s = float(timeline.from_s[inside][0]), float(timeline.to_s[inside][-1])
    return [RatePoint(from_s, to_s, requests, requests / span_s, p50, p95, p99, failed / requests, held)]
