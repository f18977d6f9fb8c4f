"""What a capacity search is asked for: objectives, bounds and budget."""

from __future__ import annotations

import math
from dataclasses import dataclass

from results import Slo


@dataclass(frozen=True)
class Settings:
    """What bounds a search. Rates are arrivals per second.

    `precision` is the half-width of the 90% interval, relative, at which the search stops early.
    """

    slos: tuple[Slo, ...]
    start_per_s: float = 25.0
    max_per_s: float = 10_000.0
    budget_s: float = 300.0
    min_per_s: float = 1.0
    precision: float = 0.01
    bracket_s: float = 5.0
    confirm_s: float = 25.0

    @property
    def lag_s(self) -> float:
        """How long after its end a second can be judged: the longest latency limit."""
        limits = [slo.limit / 1e6 for slo in self.slos if slo.metric != "errors"]
        return max(limits, default=0.0)

    @property
    def overhead_s(self) -> float:
        """What a level costs beyond the seconds it is held: its lag, and turning to the next whole second."""
        return math.ceil(self.lag_s) + 2

    @property
    def shortest_s(self) -> float:
        """The shortest budget with which a search makes sense: a few levels, each with its lag."""
        return 6 * (self.bracket_s + self.overhead_s)
