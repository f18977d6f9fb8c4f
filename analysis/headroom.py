"""Until when the capacity lasts, and what is needed to carry a forecast."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]

TARGET_UTILISATION = 0.7
FARTHEST_DAYS = 3 * 365
"""A trend is not drawn out further than this: nobody's traffic keeps one for longer."""
DAYS = {"day": 1.0, "week": 7.0, "month": 365.25 / 12, "quarter": 365.25 / 4, "year": 365.25}


@dataclass(frozen=True)
class Forecast:
    """A peak rate that grows by a share of itself per day (compound).

    `growth_low` and `growth_high` hold 90% when the growth was fitted to a series, else equal it.
    """

    peak_per_s: float
    growth_per_day: float
    growth_low: float
    growth_high: float
    days_seen: int = 0

    def peak_after(self, days: float) -> float:
        """The expected peak in some days."""
        return self.peak_per_s * math.exp(math.log1p(self.growth_per_day) * days)


def stated(peak_per_s: float, growth: float = 0.0, per: str = "month") -> Forecast:
    """A forecast as given on the command line: `300/s`, growing `4%/month`. Raises KeyError for a unit."""
    daily = math.expm1(math.log1p(growth) / DAYS[per])
    return Forecast(peak_per_s, daily, daily, daily)


def fitted(daily_peaks_per_s: npt.ArrayLike) -> Forecast:
    """A forecast from daily peaks, oldest first, shape (n,): Theil-Sen's slope of ln(peak).

    Theil-Sen, as a single bad day must not bend the line; its interval (90%) is widened for the
    dependence of neighbouring days. Raises ValueError with fewer than 14 days or a peak of zero.
    """
    peaks = np.asarray(daily_peaks_per_s, dtype=np.float64)
    if peaks.size < 14 or not (np.isfinite(peaks) & (peaks > 0)).all():
        raise ValueError("a trend needs at least 14 daily peaks, each above zero")
    day = np.arange(peaks.size, dtype=np.float64)
    slope, middle, low, high = stats.theilslopes(np.log(peaks), day, alpha=0.9)
    residuals = np.log(peaks) - middle - slope * day
    r = max(0.0, float(np.corrcoef(residuals[:-1], residuals[1:])[0, 1])) if np.ptp(residuals) else 0.0
    wider = math.sqrt((1 + r) / max(1 - r, 0.05))
    now = math.exp(middle + slope * (peaks.size - 1) + float(np.quantile(residuals, 0.9)))
    return Forecast(
        now,
        math.expm1(slope),
        math.expm1(slope - (slope - low) * wider),
        math.expm1(slope + (high - slope) * wider),
        peaks.size,
    )


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
class PoolUse:
    """The connections that one kind of process may open to one server."""

    server: str
    pool: str
    instances: int
    workers: int
    size: int

    @property
    def most(self) -> int:
        """instances x workers x pool size."""
        return self.instances * self.workers * self.size


@dataclass(frozen=True)
class Connections:
    """Connection arithmetic of one server. `spare` is kept for replication, administration and probes."""

    server: str
    pools: tuple[PoolUse, ...]
    max_connections: int
    spare: int = 5

    @property
    def most(self) -> int:
        """All that the pools may open together."""
        return sum(pool.most for pool in self.pools)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What does not add up, in words."""
        said = " + ".join(f"{p.pool} {p.instances} x {p.workers} x {p.size}" for p in self.pools)
        limit, may = (
            self.max_connections,
            f"{self.server}: the pools may open {self.most} connections ({said})",
        )
        grown = sum(pool.most + pool.workers * pool.size for pool in self.pools)
        if self.most > limit:
            text = f"{may}, max_connections is {limit}: under load some are refused"
        elif self.most + self.spare > limit:
            text = f"{may} of {limit}: fewer than {self.spare} are left for replication and administration"
        elif grown > limit:
            text = f"{may}; one more instance makes that {grown} of {limit}: raise it before scaling out"
        else:
            return ()
        return (text,)


@dataclass(frozen=True)
class Headroom:
    """What the review asks: how far from the forecast, until when, what is needed then."""

    capacity_per_s: float
    forecast: Forecast
    lasts: Lasts
    tiers: tuple[tuple[str, Instances], ...]
    connections: tuple[Connections, ...]

    @property
    def ratio(self) -> float:
        """What is left above the forecast peak, relative to the capacity; negative when it is not enough."""
        return 1 - self.forecast.peak_per_s / self.capacity_per_s

    @property
    def warnings(self) -> tuple[str, ...]:
        """Everything in it that somebody has to act on."""
        found = [text for one in self.connections for text in one.warnings]
        for tier, need in self.tiers:
            if need.utilisation_one_lost > 1:
                found.append(f"{tier}: with one instance lost the forecast peak is more than the rest carry")
        return tuple(found)

    @property
    def sentence(self) -> str:
        """Until when, in words."""
        peak = f"the forecast peak of {self.forecast.peak_per_s:.0f}/s"
        if self.ratio < 0:
            return f"It does not carry {peak}."
        if self.lasts.days is None:
            return f"It carries {peak} with {self.ratio:.0%} to spare, for more than 3 years at this growth."
        until = f"for about {_span(self.lasts.days)}"
        if self.forecast.days_seen:
            until += f" ({_span(self.lasts.soonest)} to {_span(self.lasts.latest)})"
        return f"It carries {peak} with {self.ratio:.0%} to spare, {until}."


def headroom(
    capacity_per_s: float,
    forecast: Forecast,
    tiers: Sequence[tuple[str, int]] = (),
    connections: Sequence[Connections] = (),
    target: float = TARGET_UTILISATION,
) -> Headroom:
    """All of it. `tiers` are (name, instances now) of the tiers whose number can be changed."""
    needed = [(name, instances(forecast.peak_per_s, capacity_per_s, now, target)) for name, now in tiers]
    return Headroom(
        capacity_per_s, forecast, lasts(forecast, capacity_per_s), tuple(needed), tuple(connections)
    )


def _span(days: float | None) -> str:
    if days is None:
        return "more than 3 years"
    return f"{days:.0f} days" if days < 60 else f"{days / DAYS['month']:.0f} months"
