"""How much a candidate differs from a baseline, from pairs of runs, and how sure that is.

The unit of replication is the run, never the request. Runs that take turns on one machine share its slow
drift, so a straight line over the order of runs is fitted beside the difference of the two sides: with
ABBA order the two are nearly orthogonal, and 2k runs leave 2k - 3 degrees of freedom for the noise instead
of the k - 1 of k paired differences. What drift a line does not catch is slower than the alternation, so
it makes the error too large rather than too small.

Of runs that were made at once the differences of pairs are taken, which all that disturbed both alike has
left: k pairs leave k - 1 degrees of freedom.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]
Side = Literal["baseline", "candidate"]
Layout = Literal["turns", "together"]
"""Runs that follow each other, or both of a pair at the same time."""
K = TypeVar("K")

SMALLEST_ERROR = 0.001
"""Histograms are exact to 0.4%: an estimate from a handful of runs is never surer than a quarter of that."""


@dataclass(frozen=True)
class Effect:
    """An estimate with its standard error and the degrees of freedom of that error."""

    estimate: float
    error: float
    df: int

    def low(self, level: float) -> float:
        """The one-sided lower bound at a level such as 0.95."""
        return self.estimate - float(stats.t.ppf(level, self.df)) * self.error

    def high(self, level: float) -> float:
        """The one-sided upper bound at a level such as 0.95."""
        return self.estimate + float(stats.t.ppf(level, self.df)) * self.error

    def p_above(self, limit: float) -> float:
        """One-sided p-value of the hypothesis that the truth does not exceed `limit` (Student's t)."""
        return float(stats.t.sf((self.estimate - limit) / self.error, self.df))


def abba(pairs: int) -> list[Side]:
    """The order of runs that cancels a steady drift: AB BA AB BA ..."""
    order: list[Side] = []
    for pair in range(pairs):
        order += ["baseline", "candidate"] if pair % 2 == 0 else ["candidate", "baseline"]
    return order


def effect_of_turns(values: Sequence[float], sides: Sequence[Side], floor: float = SMALLEST_ERROR) -> Effect:
    """The difference candidate - baseline of values in the order of their runs, a straight drift taken out.

    Ordinary least squares on [side, 1, order]. `floor` is the least standard error believed. Raises
    ValueError with fewer than 4 runs.
    """
    y = np.asarray(values, dtype=np.float64)
    design = _design(sides)
    df = y.size - design.shape[1]
    if df < 1:
        raise ValueError("a comparison needs at least 2 pairs of runs")
    found, *_ = np.linalg.lstsq(design, y, rcond=None)
    residual = y - design @ found
    error = np.sqrt(float(residual @ residual) / df) * error_factor(sides)
    return Effect(float(found[0]), max(float(error), floor), df)


def effect_of_pairs(differences: Sequence[float], floor: float = SMALLEST_ERROR) -> Effect:
    """The mean of paired differences, for sides that ran at the same time. Raises ValueError below 2."""
    d = np.asarray(differences, dtype=np.float64)
    if d.size < 2:
        raise ValueError("a comparison needs at least 2 pairs of runs")
    error = float(d.std(ddof=1)) / np.sqrt(d.size)
    return Effect(float(d.mean()), max(error, floor), d.size - 1)


def effect_between(
    baseline: Sequence[float], candidate: Sequence[float], layout: Layout, floor: float = SMALLEST_ERROR
) -> Effect:
    """The difference of two sides, values by pair. Raises ValueError below 2 pairs."""
    if layout == "together":
        return effect_of_pairs((np.asarray(candidate) - np.asarray(baseline)).tolist(), floor)
    sides = abba(len(baseline))
    left = {"baseline": iter(baseline), "candidate": iter(candidate)}
    return effect_of_turns([next(left[side]) for side in sides], sides, floor)


def surely_more(
    baseline: Sequence[float], candidate: Sequence[float], layout: Layout, among: int = 1
) -> bool:
    """Whether the candidate has more, beyond the noise among pairs: 95% sure for all of `among` questions.

    Asked of ratios, as what grows tenfold scatters tenfold; of differences where something is 0.
    """
    values = [np.asarray(side, dtype=np.float64) for side in (baseline, candidate)]
    if min(side.min() for side in values) > 0:
        values = [np.log(side) for side in values]
    effect = effect_between(values[0].tolist(), values[1].tolist(), layout)
    return effect.low(1 - 0.05 / among) > 0


def error_factor(sides: Sequence[Side]) -> float:
    """The standard error of the difference in units of one run's noise."""
    design = _design(sides)
    return float(np.sqrt(np.linalg.inv(design.T @ design)[0, 0]))


def error_after(pairs: int, layout: Layout) -> tuple[float, int]:
    """The standard error of the difference after so many pairs, in units that do not hang on their number,
    and its degrees of freedom."""
    if layout == "together":
        return 1 / math.sqrt(pairs), pairs - 1
    return error_factor(abba(pairs)), 2 * pairs - 3


def _design(sides: Sequence[Side]) -> Floats:
    side = np.array([1.0 if one == "candidate" else 0.0 for one in sides])
    return np.column_stack([side, np.ones(side.size), np.linspace(-1, 1, side.size)])


def spending(pairs: int, max_pairs: int, first_look: int) -> dict[int, float]:
    """The share of the error rate that may be used at each look, by number of pairs; they add up to 1.

    Shares are used up by the union bound, so that looking more than once is honest however the looks hang
    together. Most is kept for the planned end, `pairs`: looking earlier costs it a seventh, going on a
    quarter.
    """
    early = list(range(min(first_look, pairs), pairs))
    late = list(range(pairs + 1, max_pairs + 1))
    shares = {pairs: 1.0 - 0.15 * bool(early) - 0.25 * bool(late)}
    shares |= {k: 0.15 / len(early) for k in early}
    shares |= {k: 0.25 / len(late) for k in late}
    return dict(sorted(shares.items()))


def weighted_holm(p_values: Mapping[K, float], weights: Mapping[K, float]) -> dict[K, float]:
    """p-values adjusted for their number by Holm's step-down procedure with weights (Holm 1979, section 4).

    Weights are relative. A comparison is significant at family-wise level alpha where its adjusted value
    does not exceed alpha.
    """
    left = {name: weight for name, weight in weights.items() if name in p_values and weight > 0}
    adjusted = dict.fromkeys(p_values, 1.0)
    highest = 0.0
    for name in sorted(left, key=lambda name: p_values[name] / weights[name]):
        highest = max(highest, p_values[name] * sum(left.values()) / left[name])
        adjusted[name] = min(highest, 1.0)
        del left[name]
    return adjusted
