"""When arrivals are due: a rate over time turned into intended start times, by arithmetic alone."""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from collections.abc import Sequence
from typing import Literal, Protocol

Kind = Literal["poisson", "even"]


class Rate(Protocol):
    """Arrivals per second over time, as its integral and that integral's inverse (results.Stages is one)."""

    def rate_at(self, at_s: float) -> float:
        """Arrivals per second at a time."""

    def cumulative(self, to_s: float) -> float:
        """Expected arrivals up to a time."""

    def time_of(self, arrivals: float) -> float:
        """When that many are expected; inf if never."""


class SteeredRate:
    """A rate that is set while it runs: a capacity search moves from level to level."""

    def __init__(self) -> None:
        self._knots = [(0.0, 0.0, 0.0)]
        """From a second on, with so many arrivals expected by then, a rate."""

    def set(self, rate_per_s: float, at_s: float) -> None:
        """From a time on, a new rate; changes that were set for later than that are forgotten."""
        reached = self.cumulative(at_s)
        self._knots = [knot for knot in self._knots if knot[0] < at_s]
        self._knots.append((at_s, reached, rate_per_s))

    def rate_at(self, at_s: float) -> float:
        """The rate at a time, as far as it is known."""
        return next((rate for since_s, _, rate in reversed(self._knots) if since_s <= at_s), 0.0)

    def cumulative(self, to_s: float) -> float:
        """Expected arrivals up to a time."""
        for since_s, reached, rate in reversed(self._knots):
            if since_s <= to_s:
                return reached + rate * (to_s - since_s)
        return 0.0

    def time_of(self, arrivals: float) -> float:
        """When that many are expected, as far as the rate is known; inf while it is zero."""
        for index in range(len(self._knots) - 1, -1, -1):
            since_s, reached, rate = self._knots[index]
            if arrivals > reached or index == 0:
                return since_s + (arrivals - reached) / rate if rate > 0 else math.inf
        return math.inf


class Arrivals:
    """One generator's share of the arrivals: `due_s` is when the next is due, `advance` moves on.

    The process runs in units of its own expected arrivals ("own") and is mapped to time through the inverse
    of the rate's integral, which is exact for any rate over time (Cinlar's inversion of a unit Poisson
    process). Independent Poisson shares of rate/N add up to the whole; evenly spaced shares are offset
    against each other. A change of rate or share keeps what is left of the step under way, which is what an
    exponential step that has no memory would do.
    """

    def __init__(
        self, rate: Rate, kind: Kind = "poisson", seed: int = 1, index: int = 0, generators: int = 1
    ) -> None:
        self.rate = rate
        self.kind = kind
        self._random = random.Random(f"{seed}/{index}")
        self._share = 1.0 / generators
        self.number = 0
        """How many of this share were due before the next one."""
        self._own = 0.0
        self._all = 0.0
        # The evenly spaced shares together are due at 0.5, 1.5, 2.5 ... expected arrivals.
        self._next_own = (index + 0.5) / generators if kind == "even" else self._step()
        self._due_s = 0.0
        self._find()

    @property
    def due_s(self) -> float:
        """When the next arrival is due, in seconds since load began; inf when there is none."""
        return self._due_s

    def advance(self) -> None:
        """On to the next arrival."""
        self.number += 1
        self._next_own += self._step()
        self._find()

    def steer(self, rate_per_s: float, at_s: float) -> None:
        """From a time on, a new rate of all generators together. Planned stages keep to their plan."""
        if isinstance(self.rate, SteeredRate):
            self.rate.set(rate_per_s, at_s)
            self._find()

    def take_share(self, index: int, generators: int, at_s: float) -> None:
        """From a time on, one share of so many: another generator was lost, the rest carry its arrivals."""
        reached = self.rate.cumulative(at_s)
        self._own += (reached - self._all) * self._share
        self._all, self._share = reached, 1.0 / generators
        if self.kind == "even":
            self._next_own = self._own + (index + 0.5) / generators
        self._next_own = max(self._next_own, self._own)
        self._find()

    def pass_until(self, at_s: float) -> int:
        """Moves past every arrival that is due up to a time; how many there were."""
        passed = 0
        while self._due_s <= at_s:
            passed += 1
            self.advance()
        return passed

    def _step(self) -> float:
        return self._random.expovariate(1.0) if self.kind == "poisson" else 1.0

    def _find(self) -> None:
        self._due_s = self.rate.time_of(self._all + (self._next_own - self._own) / self._share)


class Schedule:
    """One generator's share of arrivals at given times, as a recording has them: every n-th of n generators.

    Stands where `Arrivals` stands. `number` is the next one's place in the whole schedule.
    """

    def __init__(self, times_s: Sequence[float], rate: Rate, index: int = 0, generators: int = 1) -> None:
        """`times_s` in order; `rate` describes them, for those who plan ahead."""
        self.rate = rate
        self._times_s = times_s
        self._own = list(range(index, len(times_s), generators))
        self._next = 0

    @property
    def number(self) -> int:
        """The place of the next arrival in the whole schedule; its length when there is none."""
        return self._own[self._next] if self._next < len(self._own) else len(self._times_s)

    @property
    def due_s(self) -> float:
        """When the next arrival is due, in seconds since load began; inf when there is none."""
        return self._times_s[self._own[self._next]] if self._next < len(self._own) else math.inf

    def advance(self) -> None:
        """On to the next arrival."""
        self._next += 1

    def steer(self, rate_per_s: float, at_s: float) -> None:
        """A recording keeps to its times."""

    def take_share(self, index: int, generators: int, at_s: float) -> None:
        """From a time on, one share of so many; what was this one's before that time stays so."""
        later = bisect_right(self._times_s, at_s)
        past, left = self._own[: self._next], self._own[self._next :]
        known = set(past)
        shared = [place for place in range(later, len(self._times_s)) if place % generators == index]
        self._own = past + [place for place in left if place < later]
        self._own += [place for place in shared if place not in known]

    def pass_until(self, at_s: float) -> int:
        """Moves past every arrival that is due up to a time; how many there were."""
        passed = 0
        while self.due_s <= at_s:
            passed += 1
            self.advance()
        return passed


Source = Arrivals | Schedule
