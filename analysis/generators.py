"""Whether the load generators themselves were at their limit while a level was held."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from analysis.validity import FULL_HOST, IDLE_GENERATOR, MOST_CPU_RATIO, MOST_WAKE_LAG_US
from results import Flow, Histogram

LATE_SHARE = 0.1
"""Arrivals that begin later than this share of the times in question (p99) blur what is said of them."""


@dataclass(frozen=True)
class Generators:
    """What they did: the mean share of a core that each used, and how late arrivals began."""

    cpu_ratios: Mapping[str, float]
    host_ratio: float | None
    """The mean share of all cores of the machine in use; None where it was not watched."""
    late_us: float
    """The p99; 0 without arrivals."""

    @property
    def busy(self) -> dict[str, float]:
        """Those at their limit: one process with one event loop has one core."""
        return {name: share for name, share in self.cpu_ratios.items() if share > MOST_CPU_RATIO}

    @property
    def starved(self) -> bool:
        """Whether the machine is full and the generators are not what fills it.

        Then being late is no problem of theirs: the machine is the limit, and response times count from
        when arrivals were due.
        """
        idle = all(share < IDLE_GENERATOR for share in self.cpu_ratios.values())
        return (self.host_ratio or 0.0) > FULL_HOST and idle

    @property
    def late(self) -> bool:
        """Whether arrivals began later than an idle generator begins them."""
        return self.late_us > MOST_WAKE_LAG_US

    def blur(self, times_us: float) -> bool:
        """Whether they, and not the machine, began arrivals so late that times of this length mean little."""
        return self.late and self.late_us > LATE_SHARE * times_us and not self.starved


def lateness_us(flows: Iterable[Flow]) -> float:
    """How late arrivals began, the p99; 0 without any."""
    lag = Histogram.merged(flow.wake_lag for flow in flows)
    return lag.quantile_us(0.99) if lag.count else 0.0


def grown(before: Sequence[float], within: Sequence[float]) -> float:
    """How far a count that a generator keeps since its begin, told now and then, grew within a time."""
    first, last = (values[-1] if len(values) else 0.0 for values in (before, within))
    return last - first if last >= first else last
