"""When objectives were missed, moment by moment, and which of those misses no alert saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.masks import stretches_of
from analysis.slo import Floats, allowed, count
from analysis.windows import window_s
from results import Interval, Slo

if TYPE_CHECKING:
    from analysis.alerts.firing import AlertSeen

SPAN_S = 10
"""An objective is looked at over the last so many seconds: a single second holds too few requests."""
MOST_MOMENTS = 720


@dataclass(frozen=True)
class Miss:
    """One objective that was missed over the run, and the stretches (from, to in s) in which it was."""

    slo: Slo
    stretches: list[tuple[float, float]]
    alerts: list[str]
    """Names of the alerts that were firing in any of them; empty: no rule saw it."""


class SloMoments:
    """What objectives count, second by second (in long runs, window by window), fed with intervals."""

    def __init__(self, slos: Sequence[Slo], duration_s: float, from_s: float = 0.0) -> None:
        """What was due before `from_s`, in the warm-up, is not looked at."""
        self.slos, self._from_s = list(slos), from_s
        self._width_s = window_s(duration_s, MOST_MOMENTS)
        size = max(int(np.ceil(duration_s / self._width_s)), 1)
        self._n: Floats = np.zeros((len(self.slos), size))
        self._over: Floats = np.zeros((len(self.slos), size))

    def add(self, interval: Interval) -> None:
        """Count an interval for every objective that it belongs to."""
        place = interval.second // self._width_s
        if interval.endpoint.setup or interval.second < self._from_s or place >= self._n.shape[1]:
            return
        for row, slo in enumerate(self.slos):
            if slo.endpoint in (None, interval.endpoint.name):
                counted = count(slo, [interval])
                self._n[row, place] += counted.n
                self._over[row, place] += counted.over

    def stretches(self, slo: Slo) -> list[tuple[float, float]]:
        """Where the objective was missed over the last SPAN_S seconds, (from, to) in seconds."""
        row = self.slos.index(slo)
        span = max(round(SPAN_S / self._width_s), 1)
        n, over = (
            np.convolve(values[row], np.ones(span))[: values.shape[1]] for values in (self._n, self._over)
        )
        is_missed = (over > allowed(slo) * n) & (n > 0)
        width_s = float(self._width_s)
        return [(begin * width_s, end * width_s) for begin, end in stretches_of(is_missed)]


def misses(missed: Sequence[Slo], moments: SloMoments, seen: Sequence[AlertSeen]) -> list[Miss]:
    """The missed objectives, each with the alerts that were firing while it was."""
    found = []
    for slo in missed:
        stretches = moments.stretches(slo)
        names = [one.rule.name for one in seen if _overlaps(one, stretches)]
        found.append(Miss(slo, stretches, names))
    return found


def _overlaps(alert: AlertSeen, stretches: Sequence[tuple[float, float]]) -> bool:
    return any(
        one.fired_s is not None and one.fired_s <= to_s and (one.until_s is None or one.until_s > from_s)
        for one in alert.fired
        for from_s, to_s in stretches
    )
