"""How far two single runs differ, with an interval from resampling stretches of time.

Each run's steady part is cut into blocks of several seconds; whole blocks are drawn with replacement, so
that what neighbouring requests share stays together (block bootstrap; Kuensch 1989). The interval holds what
chance does within a run. What differs from run to run on the same system is not in it: that takes several
runs of each side, taking turns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from results import BUCKETS, Interval, bucket_mid_us

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int32]

BLOCKS = 30
OVERALL = "all"


class Blocks:
    """Response times by endpoint and block of the steady part; each array has shape (blocks, BUCKETS)."""

    def __init__(self, spans: Sequence[tuple[float, float]], blocks: int = BLOCKS) -> None:
        """`spans` are the stretches of the steady part, (from second, to second)."""
        self.spans = list(spans)
        self.length_s = sum(to_s - from_s for from_s, to_s in spans)
        self.blocks = max(min(blocks, int(self.length_s)), 1)
        self.counts: dict[str, Counts] = {}

    def add(self, interval: Interval) -> None:
        """Count an interval of the steady part; setup requests are left out."""
        at_s = self._steady_s(interval.second)
        if interval.endpoint.setup or at_s is None:
            return
        block = min(int(at_s / self.length_s * self.blocks), self.blocks - 1)
        for name in (OVERALL, interval.endpoint.name):
            if name not in self.counts:
                self.counts[name] = np.zeros((self.blocks, BUCKETS), dtype=np.int32)
            row = self.counts[name][block]
            np.add(row, interval.response.counts, out=row, casting="unsafe")

    def _steady_s(self, second: int) -> float | None:
        """How much of the steady part lies before a second; None where it is not of it."""
        before_s = 0.0
        for from_s, to_s in self.spans:
            if from_s <= second < to_s:
                return before_s + second - from_s
            before_s += to_s - from_s
        return None


@dataclass(frozen=True)
class Change:
    """Candidate over baseline minus 1 at shares `q`, with its 95% interval; arrays of shape (n,)."""

    q: Floats
    change: Floats
    low: Floats
    high: Floats

    @property
    def is_significant(self) -> npt.NDArray[np.bool_]:
        """Where the interval leaves out no change."""
        return np.asarray((self.low > 0) | (self.high < 0))


def change_of(
    baseline: Counts, candidate: Counts, q: npt.ArrayLike, draws: int = 200, seed: int = 1
) -> Change:
    """The change of quantiles `q`, shape (n,); nan where a side has no requests."""
    shares = np.asarray(q, dtype=np.float64)
    random = np.random.default_rng(seed)
    before = _quantiles(baseline.sum(axis=0, keepdims=True), shares)
    after = _quantiles(candidate.sum(axis=0, keepdims=True), shares)
    ratios = _drawn(candidate, shares, draws, random) / _drawn(baseline, shares, draws, random)
    low, high = np.quantile(ratios, [0.025, 0.975], axis=0)
    return Change(shares, (after / before)[0] - 1, low - 1, high - 1)


def _drawn(counts: Counts, shares: Floats, draws: int, random: np.random.Generator) -> Floats:
    """Quantiles of resampled runs, shape (draws, n)."""
    blocks = counts.shape[0]
    weights = random.multinomial(blocks, np.full(blocks, 1 / blocks), size=draws).astype(np.float32)
    used = np.flatnonzero(counts.any(axis=0))
    if used.size == 0:
        return np.full((draws, shares.size), np.nan)
    return _quantiles(weights @ counts[:, used].astype(np.float32), shares, bucket_mid_us[used])


def _quantiles(sums: npt.NDArray[np.generic], shares: Floats, mids: Floats = bucket_mid_us) -> Floats:
    """Quantiles of each row of counts, shape (rows, n)."""
    cumulative = np.cumsum(sums, axis=1, dtype=np.float64)
    found = np.full((cumulative.shape[0], shares.size), np.nan)
    for row, line in enumerate(cumulative):
        if line[-1] > 0:
            rank = np.clip(np.ceil(shares * line[-1] - 1e-6), 1, line[-1])
            found[row] = mids[np.minimum(np.searchsorted(line, rank - 1e-6), mids.size - 1)]
    return found
