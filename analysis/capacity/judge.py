"""Judging one level: where it has settled, whether it is steady, how many requests were over each SLO."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from analysis.capacity.level import LevelResult, Window
from analysis.capacity.queue import memory_s
from analysis.slo import allowed
from analysis.steady import Floats, trend
from results import Slo

Outcome = Literal["pass", "fail", "unclear", "invalid"]

SURE = 0.8
"""The probability at which a level passes or fails; between it and its opposite it is unclear."""
MEMORY_S = 6
"""Windows up to this far apart are taken as related when the counts' variance is measured."""
USUAL_CLUSTER, USUAL_WEIGHT = 4.0, 20.0
"""A cluster's size where theory does not tell it (errors, means), and the requests over that is worth."""
FINE = 4
"""With fewer levels held to narrow the limit than this, the search is still finding its way."""


@dataclass(frozen=True)
class SloCount:
    """One objective over the steady part of a level: `over` of `n` requests, with their variance."""

    slo: Slo
    n: float
    over: float
    variance: float

    @property
    def share(self) -> float:
        """The share that was over; nan without requests."""
        return self.over / self.n if self.n else float("nan")

    @property
    def measure(self) -> float:
        """The share over, relative to the share allowed: 1 is the limit."""
        return self.share / allowed(self.slo)

    def __add__(self, other: SloCount) -> SloCount:
        return SloCount(self.slo, self.n + other.n, self.over + other.over, self.variance + other.variance)

    def outcome(self, cluster: float) -> Outcome:
        """Whether the objective was kept, slow requests coming in clusters of a size.

        By the share that was seen, where it is sure enough: gamma posterior of a Poisson rate counted in
        clusters, with Jeffreys' prior. Without requests: invalid.
        """
        if not self.n:
            return "invalid"
        kept = float(special.gammainc(self.over / cluster + 0.5, allowed(self.slo) * self.n / cluster))
        if self.measure <= 1:
            return "pass" if kept >= SURE else "unclear"
        return "fail" if kept <= 1 - SURE else "unclear"


@dataclass(frozen=True)
class Judged:
    """A level, taken apart. `kept` windows are the steady part; rates are per second of it."""

    result: LevelResult
    settle_s: int
    kept: tuple[Window, ...]
    counts: tuple[SloCount, ...]
    steady: bool
    overloaded: bool

    @property
    def rate_per_s(self) -> float:
        """The rate that was asked for."""
        return self.result.level.rate_per_s

    @property
    def achieved_per_s(self) -> float:
        """Arrivals that ended, per second of the steady part; nan without any."""
        return sum(w.finished for w in self.kept) / len(self.kept) if self.kept else float("nan")

    @property
    def kept_all(self) -> bool:
        """Whether every objective was kept by what was counted, however sure that is."""
        return self.valid and not self.overloaded and all(c.measure <= 1 for c in self.counts if c.n)

    @property
    def valid(self) -> bool:
        """Whether it is evidence at all."""
        return bool(self.kept) and not self.result.problems


def judge(result: LevelResult, slos: Sequence[Slo]) -> Judged:
    """Cut what belongs to settling and count the rest. Pure."""
    windows = result.windows
    over = overloaded(windows, slos)
    means = _log_means(windows)
    # An overloaded level never settles: its growth is the message, so nothing of it is cut.
    settle = 0 if over else _settled(means)
    kept = windows[settle:]
    steady = not over and not trend(means[settle:]).matters()
    counts = tuple(_count(kept, index, slo) for index, slo in enumerate(slos))
    return Judged(result, settle, kept, counts, steady, over)


def overloaded(windows: Sequence[Window], slos: Sequence[Slo]) -> bool:
    """Whether more comes in than goes out: requests in flight grow, and most of the last are over."""
    if len(windows) < 3:
        return False
    last = windows[-3:]
    offered = sum(w.scheduled for w in windows[1:])
    growth = windows[-1].in_flight - windows[0].in_flight
    swamped = any(
        sum(w.counts[i].over for w in last) > _swamped(slo) * max(1, sum(w.counts[i].n for w in last))
        for i, slo in enumerate(slos)
    )
    return swamped and growth > 0.02 * offered and growth > 10


def _swamped(slo: Slo) -> float:
    """The share over an objective's limit from which a growing queue is taken for overload."""
    return 3.0 if slo.metric == "mean" else min(max(3 * allowed(slo), 0.3), 0.9)


def pooled_cluster(judged: Sequence[Judged], index: int) -> float:
    """How many slow requests come together, over all levels near the limit: variance / count, at least 1.

    A level sees few clusters, and many see none: theory's size (analysis.capacity.queue) counts as much as
    one cluster of it that was seen. Not so while the search finds its way: there every level is to count,
    however little it is worth.
    """
    seen = [s for s in judged if s.valid and not s.overloaded and 0.1 < s.counts[index].measure < 25]
    near = [s for s in seen if s.counts[index].measure < 4]
    if sum(s.counts[index].over for s in near) < 200:
        near = seen
    over = sum(level.counts[index].over for level in near)
    variance = sum(level.counts[index].variance for level in near)
    finds_its_way = len(seen) < 2 or sum(s.result.level.purpose == "narrow" for s in judged) < FINE
    size, weight = (USUAL_CLUSTER, USUAL_WEIGHT) if finds_its_way else _expected_cluster(judged, index)
    return max(1.0, (variance + size * weight) / (over + weight))


def _expected_cluster(judged: Sequence[Judged], index: int) -> tuple[float, float]:
    """Theory's size of a cluster at the highest rate carried, and the requests over that it is worth."""
    seen = [level for level in judged if level.kept and level.counts[index].slo.metric == "latency"]
    if not seen:
        return USUAL_CLUSTER, USUAL_WEIGHT
    top = max(seen, key=lambda level: level.achieved_per_s)
    rate, count = top.achieved_per_s, top.counts[index]
    requests_per_s = rate * count.n / max(sum(window.scheduled for window in top.kept), 1)
    size = max(1.0, requests_per_s * memory_s(rate, count.slo))
    return size, size


def _settled(means: Floats) -> int:
    """Windows to leave out until no trend is left, at most half; the first always, as it mixes two rates.

    Cutting by what looks best (MSER) would cut bursts of slow requests that belong to the rate, and read
    0.5% too high.
    """
    for cut in range(1, max(len(means) // 2, 1)):
        if not trend(means[cut:]).matters():
            return cut
    return len(means) // 2


def _log_means(windows: Sequence[Window]) -> Floats:
    values = np.array([w.mean_response_us for w in windows], dtype=np.float64)
    return np.log(np.maximum(values, 1.0))


def _count(kept: Sequence[Window], index: int, slo: Slo) -> SloCount:
    n = np.array([w.counts[index].n for w in kept], dtype=np.float64)
    over = np.array([w.counts[index].over for w in kept], dtype=np.float64)
    if not n.sum():
        return SloCount(slo, 0.0, 0.0, 0.0)
    excess = over - n * over.sum() / n.sum()
    variance = float(excess @ excess)
    # Bartlett's weights (Newey and West 1987) take in what neighbouring seconds share; the level's own mean
    # and the lags take as many degrees of freedom away.
    lags = min(MEMORY_S, len(kept) // 3)
    for lag in range(1, lags + 1):
        variance += 2 * (1 - lag / (lags + 1)) * float(excess[:-lag] @ excess[lag:])
    variance *= len(kept) / max(len(kept) - 1 - lags, 1)
    return SloCount(slo, float(n.sum()), float(over.sum()), max(variance, float(over.sum())))
