"""When arrivals are due: stages turned into intended start times, by arithmetic alone."""

from __future__ import annotations

import math
import random
from typing import Literal

from results import Stages

Kind = Literal["poisson", "even"]


class Arrivals:
    """The intended start times of one generator's share of the planned arrivals, in seconds from the start.

    The arrival process runs in units of expected arrivals and is mapped to time through the inverse of the
    rate's integral, which is exact for any rate over time (Cinlar's inversion). A Poisson process with unit
    steps of mean N thins a rate to its N-th part, and independent shares add up to the whole; evenly spaced
    shares are offset against each other.
    """

    is_steerable = False

    def __init__(
        self, stages: Stages, kind: Kind = "poisson", seed: int = 1, index: int = 0, generators: int = 1
    ) -> None:
        self._stages = stages
        self._kind = kind
        self._random = random.Random(f"{seed}/{index}")
        self._generators = generators
        # Evenly spaced: this generator's k-th arrival is number k * generators + index of all.
        self._reached = index + 0.5 - generators if kind == "even" else 0.0

    def next_s(self) -> float:
        """When the next arrival is due; inf when the plan has no more."""
        step = self._random.expovariate(1.0) if self._kind == "poisson" else 1.0
        self._reached += step * self._generators
        return self._stages.time_of(self._reached)

    def steer(self, rate_per_s: float, at_s: float) -> None:
        """Planned stages keep to their plan."""


class SteeredArrivals:
    """Arrivals whose rate is set while they run: a capacity search moves from level to level."""

    is_steerable = True

    def __init__(self, kind: Kind = "poisson", seed: int = 1, index: int = 0, generators: int = 1) -> None:
        self._kind = kind
        self._random = random.Random(f"{seed}/{index}")
        self._generators = generators
        self._rate_per_s = 0.0
        self._at_s = 0.0

    def next_s(self) -> float:
        """When the next arrival is due at the present rate; inf while that is zero."""
        if self._rate_per_s <= 0:
            return math.inf
        step = self._random.expovariate(1.0) if self._kind == "poisson" else 1.0
        self._at_s += step / self._rate_per_s
        return self._at_s

    def steer(self, rate_per_s: float, at_s: float) -> None:
        """From a time on, this generator's share of a new rate. Exponential steps have no memory, so the
        step under way is simply drawn again."""
        self._rate_per_s = rate_per_s / self._generators
        self._at_s = max(at_s, 0.0)
