"""One metric of one instance over a run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

Kind = Literal["gauge", "counter"]


@dataclass(frozen=True)
class Series:
    """One metric of one instance over the run; `at_s` and `values` have shape (n,), seconds since load began.

    A counter only grows (but for a restart of what counts); difference it before showing it.
    """

    tier: str
    instance: str
    metric: str
    kind: Kind
    at_s: npt.NDArray[np.float64]
    values: npt.NDArray[np.float64]

    def between(self, from_s: float, to_s: float) -> Series:
        """The samples with from_s <= at_s < to_s."""
        inside = (self.at_s >= from_s) & (self.at_s < to_s)
        return Series(
            self.tier, self.instance, self.metric, self.kind, self.at_s[inside], self.values[inside]
        )

    def rate_per_s(self) -> Series:
        """A counter's growth per second between samples, as a gauge; a reset counts from zero."""
        if self.at_s.size < 2:
            empty = np.empty(0)
            return replace(self, kind="gauge", at_s=empty, values=empty)
        grown = np.diff(self.values)
        grown = np.where(grown < 0, self.values[1:], grown)
        return replace(self, kind="gauge", at_s=self.at_s[1:], values=grown / np.diff(self.at_s))

    @property
    def increase(self) -> float:
        """How much a counter grew from the first sample to the last; nan with fewer than two samples."""
        if self.values.size < 2:
            return float("nan")
        grown = np.diff(self.values)
        return float(np.where(grown < 0, self.values[1:], grown).sum())
