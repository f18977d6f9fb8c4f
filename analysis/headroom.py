"""Until when the capacity lasts, and what is needed to carry a forecast."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from analysis.connections import Connections, PoolSize
from analysis.forecast import Forecast, Lasts, lasts
from results.units import show_rate

TARGET_UTILISATION = 0.7
AHEAD_DAYS = 365
FRESH_DAYS = 1
"""Daily peaks that end yesterday are today's."""


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
    needed = _ceil(peak_per_s / (each * target))
    lost = peak_per_s / (each * (present - 1)) if present > 1 else math.inf
    return Instances(peak_per_s, each, needed, needed + 1, peak_per_s / capacity_per_s, lost)


@dataclass(frozen=True)
class PoolNeed:
    """Connections of one pool that a peak needs, for each worker of the instances that open it today.

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
    in_use, left = peak_per_s * held_s, (use.instances - 1) * use.workers
    lost = _ceil(in_use / target / left) if left else None
    return PoolNeed(use, in_use, _ceil(in_use / target / (use.instances * use.workers)), lost)


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
    peak_per_s: float
    """Today's: the forecast's own, brought forward by its trend where that is older."""
    lasts: Lasts
    needs: tuple[Need, ...]
    """For today's peak, and a year later where it grows."""
    connections: tuple[Connections, ...]
    today: date
    target: float = TARGET_UTILISATION
    at_least: bool = False
    """Whether no bound was found: `capacity_per_s` is then the highest rate tested."""

    @property
    def tiers(self) -> tuple[tuple[str, Instances], ...]:
        """The instances that today's peak needs."""
        return self.needs[0].tiers

    @property
    def ratio(self) -> float:
        """What is left above the forecast peak, relative to the capacity; negative when it is not enough."""
        return 1 - self.peak_per_s / self.capacity_per_s

    @property
    def carries(self) -> bool | None:
        """Whether the forecast peak is carried; None where it lies above what was tested without a bound."""
        if self.ratio >= 0:
            return True
        return None if self.at_least else False

    @property
    def until(self) -> date | None:
        """The day on which the peak reaches the capacity; None for not within 3 years, or not known."""
        return None if self.carries is None else self._day(self.lasts.days)

    def _day(self, days: float | None) -> date | None:
        return None if days is None else self.today + timedelta(days=round(days))

    @property
    def warnings(self) -> tuple[str, ...]:
        """Everything in it that somebody has to act on."""
        found = []
        age = self.forecast.age_days(self.today)
        if age > self.forecast.days_seen > 0:
            old = f"a trend through {self.forecast.days_seen} daily peaks, drawn out for {age} days since"
            found.append(f"the forecast is {old}: bring newer ones")
        for tier, need in self.tiers:
            if need.utilisation_one_lost > 1:
                rest = f"the rest {'are known to carry' if self.at_least else 'carry'}"
                found.append(f"{tier}: with one instance lost the forecast peak is more than {rest}")
        by = " by the rate tested" if self.at_least else ""
        for one in self.needs:
            found += [
                f"{server}: {one.when} the pools need {needed} connections{by}, max_connections is {limit}"
                for server, needed, limit in one.servers
                if needed > limit
            ]
        return tuple(found)

    @property
    def peak_words(self) -> str:
        """The forecast peak in words, with how far it was brought forward."""
        said = f"the forecast peak of {show_rate(self.peak_per_s)}"
        age = self.forecast.age_days(self.today)
        if abs(age) <= FRESH_DAYS:
            return said
        return f"{said} (brought from {self.forecast.since} to today by its trend)"

    @property
    def sentence(self) -> str:
        """Until when, in words."""
        if self.carries is None:
            return f"Whether it carries {self.peak_words} is not known: {self.tested_words}."
        if not self.carries:
            return f"It does not carry {self.peak_words}."
        spare = f"{'at least ' if self.at_least else ''}{self.ratio:.0%} to spare"
        return f"It carries {self.peak_words} with {spare}{self._until_words}."

    @property
    def tested_words(self) -> str:
        """How far it was tested, where no bound was found."""
        return f"tested up to {show_rate(self.capacity_per_s)} only"

    @property
    def _until_words(self) -> str:
        soonest, until, latest = map(self._day, (self.lasts.soonest, self.lasts.days, self.lasts.latest))
        if until is not None:
            between = f" ({_month(soonest)} to {_month(latest)})" if self.forecast.days_seen else ""
            return f", {'at least ' if self.at_least else ''}until {_month(until)}{between}"
        if soonest is not None:
            end = f"its upper end (90%) does in {_month(soonest)}"
            reached = "rate tested" if self.at_least else "capacity"
            return f"; the trend does not reach the {reached} within 3 years, {end}"
        grows = self.forecast.growth_per_day > 0
        return f", {'for more than 3 years at this growth' if grows else 'as nothing grows'}"

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        own = {
            "ratio": self.ratio, "carries": self.carries, "until": self.until, "sentence": self.sentence,
            "warnings": self.warnings,
        }  # fmt: skip
        return asdict(self) | own


def _month(day: date | None) -> str:
    return f"{day:%B %Y}" if day else "more than 3 years"


def headroom(
    capacity_per_s: float,
    forecast: Forecast,
    system: System = System(),
    target: float = TARGET_UTILISATION,
    today: date | None = None,
    *,
    at_least: bool = False,
) -> Headroom:
    """All of it, for today's peak by the forecast and a year later."""
    today = today or date.today()
    age = forecast.age_days(today)
    now = forecast.peak_after(age)
    peaks = [("at the forecast peak", now)]
    if forecast.growth_per_day > 0:
        peaks.append(("in a year", forecast.peak_after(age + AHEAD_DAYS)))
    needs = tuple(_need(when, peak, capacity_per_s, system, target) for when, peak in peaks)
    ends = lasts(forecast, capacity_per_s, age)
    return Headroom(capacity_per_s, forecast, now, ends, needs, system.connections, today, target, at_least)


def _need(when: str, peak: float, capacity_per_s: float, system: System, target: float) -> Need:
    tiers = tuple((name, instances(peak, capacity_per_s, now, target)) for name, now in system.tiers)
    pools = tuple(pool_need(use, peak, held_s, target) for use, held_s in system.held_s)
    wanted, in_use = dict(tiers), {one.use: one.in_use for one in pools}
    servers = []
    for server in system.connections:
        if server.max_connections is None or not server.pools:
            continue
        total = server.spare
        for pool in server.pools:
            many = max(wanted[pool.tier].with_one_lost if pool.tier in wanted else 0, pool.instances)
            # Sized for those that are left when one of them is lost, and never smaller than it is.
            size = _ceil(in_use.get(pool, 0.0) / target / (max(many - 1, 1) * pool.workers))
            total += many * pool.workers * max(pool.size, size)
        servers.append((server.server, total, server.max_connections))
    return Need(when, peak, tiers, pools, tuple(servers))
