"""The samples of a run by tier, with the few sums that panels and levels are made of."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from results import Series

Floats = npt.NDArray[np.float64]

HALF_S = 0.5
"""Half the time between two samples."""


class Samples:
    """Series by tier, instance and metric; figures are taken between `from_s` and `to_s`.

    A sample is taken at the end of the second that it tells of: the one at the very begin of a stretch
    belongs to what was before it, the one at its end to the stretch. What was not watched is None, never 0.
    """

    def __init__(self, series: Iterable[Series], from_s: float, to_s: float) -> None:
        self.from_s, self.to_s = from_s, to_s
        self._by_name = {(one.tier, one.instance, one.metric): one for one in series if one.at_s.size}

    @property
    def tiers(self) -> list[str]:
        """Tiers that gave at least one sample."""
        return sorted({tier for tier, _, _ in self._by_name})

    def instances(self, tier: str, metric: str | None = None) -> list[str]:
        """Instances of a tier, or those of them that gave a metric."""
        return sorted({i for t, i, m in self._by_name if t == tier and metric in (None, m)})

    def metrics(self, tier: str) -> set[str]:
        """Names of all metrics of a tier."""
        return {metric for t, _, metric in self._by_name if t == tier}

    def get(self, tier: str, instance: str, metric: str) -> Series | None:
        """One series over the whole run; a counter as its growth per second."""
        found = self._by_name.get((tier, instance, metric))
        if found is None:
            return None
        shown = found.rate_per_s() if found.kind == "counter" else found
        return shown if shown.at_s.size else None

    def raw(self, tier: str, metric: str) -> list[Series]:
        """A metric of each instance of a tier as it was read; counters since their server began."""
        return [one for (t, _, m), one in self._by_name.items() if (t, m) == (tier, metric)]

    def all(self, tier: str, metric: str) -> list[Series]:
        """A metric of each instance of a tier; counters as growth per second."""
        found = [self.get(tier, instance, metric) for instance in self.instances(tier, metric)]
        return [series for series in found if series is not None]

    def summed(self, tier: str, metric: str) -> Series | None:
        """A metric added up over the instances of a tier, on the moments of the one with most samples."""
        found = self.all(tier, metric)
        if not found:
            return None
        first = max(found, key=lambda one: one.at_s.size)
        total = sum(np.interp(first.at_s, one.at_s, one.values, left=0, right=0) for one in found)
        return Series(tier, "", metric, "gauge", first.at_s, np.asarray(total))

    def within(self, series: Series) -> Floats:
        """The values of a series that tell of the stretch."""
        return series.between(self.from_s + HALF_S, self.to_s + HALF_S).values

    def mean(self, tier: str, metric: str, instance: str | None = None) -> float | None:
        """The mean over the stretch and over instances."""
        values = self._values(tier, metric, instance)
        return None if values.size == 0 else float(np.nanmean(values))

    def highest(self, tier: str, metric: str, instance: str | None = None) -> float | None:
        """The highest value in the stretch at any instance."""
        values = self._values(tier, metric, instance)
        return None if values.size == 0 else float(np.nanmax(values))

    def increase(self, tier: str, metric: str, instance: str | None = None) -> float | None:
        """How much a counter grew in the stretch, over all instances."""
        grown = [
            one.between(self.from_s - HALF_S, self.to_s + HALF_S).increase
            for (t, i, m), one in self._by_name.items()
            if t == tier and m == metric and instance in (None, i)
        ]
        known = [value for value in grown if np.isfinite(value)]
        return sum(known) if known else None

    def _values(self, tier: str, metric: str, instance: str | None) -> Floats:
        wanted = [instance] if instance else self.instances(tier, metric)
        found = [self.get(tier, name, metric) for name in wanted]
        pieces = [self.within(one) for one in found if one is not None]
        values = np.concatenate(pieces) if pieces else np.empty(0)
        return values[np.isfinite(values)]


def thinned(at_s: Floats, values: Floats, width_s: float, *, highest: bool = False) -> tuple[Floats, Floats]:
    """Samples as the mean (or the highest) of each `width_s` seconds; empty windows are left out."""
    known = np.isfinite(values)
    at_s, values = at_s[known], values[known]
    if at_s.size == 0 or width_s <= 1:
        return at_s, values
    _, starts = np.unique(np.floor(at_s / width_s), return_index=True)
    sizes = np.diff(np.append(starts, at_s.size))
    times = np.add.reduceat(at_s, starts) / sizes
    if highest:
        return times, np.maximum.reduceat(values, starts)
    return times, np.add.reduceat(values, starts) / sizes


def broken(at_s: Floats, values: Floats, width_s: float) -> tuple[Floats, Floats]:
    """The same with a nan in the middle of every stretch without samples, so that no line crosses it."""
    if at_s.size < 2:
        return at_s, values
    steps = np.diff(at_s)
    far = np.flatnonzero(steps > 2.5 * max(width_s, float(np.median(steps))))
    middles = (at_s[far] + at_s[far + 1]) / 2
    return np.insert(at_s, far + 1, middles), np.insert(values.astype(np.float64), far + 1, np.nan)
