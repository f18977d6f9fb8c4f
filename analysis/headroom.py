"""Until when the capacity lasts, and what is needed to carry a forecast."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from analysis.connections import Connections, PoolSize
from analysis.forecast import Forecast, day_after
from results.units import show_rate

TARGET_UTILISATION = 0.7
FARTHEST_DAYS = 3 * 365
"""A trend is not drawn out further than this: nobody's traffic keeps one for longer."""
AHEAD_DAYS = 365


@dataclass(frozen=True)
class Lasts:
    """Days until the peak reaches a rate; None for not within 3 years, 0 for already. Soonest to latest."""

    days: float | None
    soonest: float | None
    latest: float | None


def lasts(forecast: Forecast, capacity_per_s: float) -> Lasts:
    """How long a capacity lasts against a forecast."""
    growths = (forecast.growth_per_day, forecast.growth_high, forecast.growth_low)
    return Lasts(*(_days(forecast.peak_per_s, growth, capacity_per_s) for growth in growths))


def _days(peak: float, growth: float, capacity: float) -> float | None:
    if peak >= capacity:
        return 0.0
    if growth <= 0:
        return None
    days = math.log(capacity / peak) / math.log1p(growth)
    return days if days <= FARTHEST_DAYS else None


@dataclass(frozen=True)
class Instances:
    """Instances needed for a peak: at the target utilisation, and so that one may be lost.

    `capacity_per_instance_s` is an equal share of what was measured: it assumes that instances are what
    limits, and that nothing behind them fills up first.
    """

    peak_per_s: float
    capacity_per_instance_s: float
    at_target: int
    with_one_lost: int
    utilisation: float
    utilisation_one_lost: float


def instances(
    peak_per_s: float, capacity_per_s: float, present: int, target: float = TARGET_UTILISATION
) -> Instances:
    """ceil(peak / (capacity per instance x target)), and one more; utilisation of those present now."""
    each = capacity_per_s / present
    needed = max(1, math.ceil(peak_per_s / (each * target) - 1e-9))
    lost = peak_per_s / (each * (present - 1)) if present > 1 else math.inf
    return Instances(peak_per_s, each, needed, needed + 1, peak_per_s / capacity_per_s, lost)


@dataclass(frozen=True)
class PoolNeed:
    """Connections of one pool that a peak needs, for each instance that opens it.

    `in_use` is rate x seconds that a request holds one (Little's law), of all instances together.
    """

    use: PoolSize
    in_use: float
    at_target: int
    with_one_lost: int | None
    """None where no instance would be left."""


def pool_need(
    use: PoolSize, peak_per_s: float, held_s: float, target: float = TARGET_UTILISATION
) -> PoolNeed:
    """What a pool needs; `held_s` is the connection-seconds that a request takes."""
    in_use, own = peak_per_s * held_s, use.instances * use.workers
    left = (use.instances - 1) * use.workers
    lost = _ceil(in_use / target / left) if left else None
    return PoolNeed(use, in_use, _ceil(in_use / target / own), lost)


def _ceil(value: float) -> int:
    return max(1, math.ceil(value - 1e-9))


@dataclass(frozen=True)
class Need:
    """What one peak needs. `servers` are (server, connections needed, its limit)."""

    when: str
    peak_per_s: float
    tiers: tuple[tuple[str, Instances], ...]
    pools: tuple[PoolNeed, ...]
    servers: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class System:
    """What is there now: (tier, instances), its connections, and what a request holds of each pool in s."""

    tiers: tuple[tuple[str, int], ...] = ()
    connections: tuple[Connections, ...] = ()
    held_s: tuple[tuple[PoolSize, float], ...] = ()


@dataclass(frozen=True)
class Headroom:
    """What the review asks: how far from the forecast, until when, what is needed then."""

    capacity_per_s: float
    forecast: Forecast
    lasts: Lasts
    needs: tuple[Need, ...]
    """For the forecast's peak, and a year later where it grows."""
    connections: tuple[Connections, ...]
    today: date
    target: float = TARGET_UTILISATION

    @property
    def tiers(self) -> tuple[tuple[str, Instances], ...]:
        """The instances that the forecast's own peak needs."""
        return self.needs[0].tiers

    @property
    def ratio(self) -> float:
        """What is left above the forecast peak, relative to the capacity; negative when it is not enough."""
        return 1 - self.forecast.peak_per_s / self.capacity_per_s

    @property
    def until(self) -> date | None:
        """The day on which the peak reaches the capacity; None for not within 3 years."""
        return self._day(self.lasts.days)

    def _day(self, days: float | None) -> date | None:
        return None if days is None else day_after(self.forecast, days, self.today)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Everything in it that somebody has to act on."""
        found = []
        for tier, need in self.tiers:
            if need.utilisation_one_lost > 1:
                found.append(f"{tier}: with one instance lost the forecast peak is more than the rest carry")
        for one in self.needs:
            found += [
                f"{server}: {one.when} the pools need {needed} connections, max_connections is {limit}"
                for server, needed, limit in one.servers
                if needed > limit
            ]
        return tuple(found)

    @property
    def sentence(self) -> str:
        """Until when, in words."""
        peak = f"the forecast peak of {show_rate(self.forecast.peak_per_s)}"
        if self.ratio < 0:
            return f"It does not carry {peak}."
        spare = f"It carries {peak} with {self.ratio:.0%} to spare"
        if self.until is None:
            grows = self.forecast.growth_per_day > 0
            return f"{spare}, {'for more than 3 years at this growth' if grows else 'as nothing grows'}."
        until = f"{self.until:%B %Y}"
        if self.forecast.days_seen:
            ends = (self._day(self.lasts.soonest), self._day(self.lasts.latest))
            said = [f"{day:%B %Y}" if day else "more than 3 years" for day in ends]
            until += f" ({said[0]} to {said[1]})"
        return f"{spare}, until {until}."

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        own = {"ratio": self.ratio, "until": self.until, "sentence": self.sentence, "warnings": self.warnings}
        return asdict(self) | own


def headroom(
    capacity_per_s: float,
    forecast: Forecast,
    system: System = System(),
    target: float = TARGET_UTILISATION,
    today: date | None = None,
) -> Headroom:
    """All of it, for the forecast's peak and a year later."""
    peaks = [("at the forecast peak", forecast.peak_per_s)]
    if forecast.growth_per_day > 0:
        peaks.append(("in a year", forecast.peak_after(AHEAD_DAYS)))
    needs = tuple(_need(when, peak, capacity_per_s, system, target) for when, peak in peaks)
    ends = lasts(forecast, capacity_per_s)
    return Headroom(capacity_per_s, forecast, ends, needs, system.connections, today or date.today(), target)


def _need(when: str, peak: float, capacity_per_s: float, system: System, target: float) -> Need:
    tiers = tuple((name, instances(peak, capacity_per_s, now, target)) for name, now in system.tiers)
    pools = tuple(pool_need(use, peak, held_s, target) for use, held_s in system.held_s)
    wanted = dict(tiers)
    servers = []
    for server in system.connections:
        total = server.spare
        for pool in server.pools:
            many = max(wanted[pool.tier].with_one_lost if pool.tier in wanted else 0, pool.instances)
            size = max([pool.size, *(one.at_target for one in pools if one.use == pool)])
            total += many * pool.workers * size
        servers.append((server.server, total, server.max_connections))
    return Need(when, peak, tiers, pools, tuple(servers))
