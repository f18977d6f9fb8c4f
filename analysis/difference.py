"""How far two single runs differ, with an interval from resampling stretches of time.

Each run's steady part is cut into blocks of several seconds; whole blocks are drawn with replacement, so
that what neighbouring requests share stays together (block bootstrap; Kuensch 1989). The interval holds what
chance does within a run. What differs from run to run on the same system is not in it: that takes several
runs of each side, taking turns.
"""

from __future__ import annotations

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

    def __init__(self, from_s: float, to_s: float, blocks: int = BLOCKS) -> None:
        self.from_s, self.to_s = from_s, to_s
        self.blocks = max(min(blocks, int(to_s - from_s)), 1)
        self.counts: dict[str, Counts] = {}

    def add(self, interval: Interval) -> None:
        """Count an interval of the steady part; setup requests are left out."""
        if interval.endpoint.setup or not self.from_s <= interval.second < self.to_s:
            return
        share = (interval.second - self.from_s) / (self.to_s - self.from_s)
        block = min(int(share * self.blocks), self.blocks - 1)
        for name in (OVERALL, interval.endpoint.name):
            if name not in self.counts:
                self.counts[name] = np.zeros((self.blocks, BUCKETS), dtype=np.int32)
            row = self.counts[name][block]
            np.add(row, interval.response.counts, out=row, casting="unsafe")


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
