"""What whoever makes no load itself knows of a generator's arrivals. Imports neither locust nor gevent."""

from __future__ import annotations

from typing import Any

from load.access_log import recording
from load.arrivals import Arrivals, Rate, Schedule, Source, SteeredRate
from load.config import Config


def source_of(config: Config, index: int) -> Source | None:
    """One generator's arrivals as configured; None in the closed model."""
    if config.replay is not None:
        times_s = [request.at_s for request in recording(**config.replay).requests]
        return Schedule(times_s, config.plan, index, config.processes)
    if not config.hold and not config.plan.open:
        return None
    rate: Rate = SteeredRate() if config.hold else config.plan
    return Arrivals(rate, config.arrivals, config.seed, index, config.processes)


class Twin:
    """A generator's counts as it told them, and its arrivals, to know what it would have scheduled."""

    def __init__(self, config: Config, index: int) -> None:
        self.arrivals = source_of(config, index)
        self._scheduled = self._finished = self._failed = self._due = 0

    def take(self, flow: dict[str, Any]) -> None:
        """Add up a second that the generator told of."""
        self._scheduled += flow["scheduled"]
        self._finished += flow["finished"]
        self._failed += flow["failed"]

    def steer(self, rate_per_s: float, at_s: float) -> None:
        """The generator was told of another rate."""
        if self.arrivals is not None:
            self.arrivals.steer(rate_per_s, at_s)

    def take_share(self, index: int, generators: int, at_s: float) -> None:
        """The generator was told of another share."""
        if self.arrivals is not None:
            self._due_by(at_s)
            self.arrivals.take_share(index, generators, at_s)

    def account_of_lost(self, lost_s: float, take_over_s: float) -> dict[str, int]:
        """What became of its arrivals when it was lost, and others carry on a little later.

        Those due before it was lost without a reported end count as unfinished: some may have been served,
        none can be said to. Those due until the others carry on were never started.
        """
        due = max(self._due_by(lost_s), self._scheduled)
        until = max(self._due_by(take_over_s), due)
        return {
            "scheduled": until,
            "finished": self._finished,
            "failed": self._failed,
            "unfinished": due - self._finished - self._failed,
            "never_started": until - due,
        }

    def _due_by(self, at_s: float) -> int:
        """How many were due by a time that is not before one asked for earlier; 0 in the closed model."""
        if self.arrivals is not None:
            self._due += self.arrivals.pass_until(at_s)
        return self._due
