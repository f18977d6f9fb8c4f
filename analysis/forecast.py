"""What the traffic is expected to be: a stated peak with its growth, or a trend through daily peaks."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from results.errors import UsageError
from results.units import parse_rate_per_s

FEWEST_DAYS = 14
FARTHEST_DAYS = 3 * 365
"""A trend is not drawn out further than this: nobody's traffic keeps one for longer."""
DAYS = {"day": 1.0, "week": 7.0, "month": 365.25 / 12, "quarter": 365.25 / 4, "year": 365.25}
_GROWTH = re.compile(r"(-?\d+(?:\.\d+)?)\s*%\s*(?:/|per\s+)\s*(day|week|month|quarter|year)", re.IGNORECASE)


@dataclass(frozen=True)
class Forecast:
    """A peak rate that grows by a share of itself per day (compound).

    `growth_low` and `growth_high` hold 90% when the growth was fitted to a series, else equal it. `since` is
    the ISO date of the last daily peak, empty where the peak was stated for now.
    """

    peak_per_s: float
    growth_per_day: float
    growth_low: float
    growth_high: float
    days_seen: int = 0
    since: str = ""

    def peak_after(self, days: float) -> float:
        """The expected peak so many days after its own."""
        return self.peak_per_s * math.exp(math.log1p(self.growth_per_day) * days)

    def age_days(self, today: date) -> int:
        """How old its peak is; below 0 where the daily peaks go on beyond today."""
        return (today - date.fromisoformat(self.since)).days if self.since else 0

    @property
    def words(self) -> str:
        """Where it comes from and how it grows."""
        month = DAYS["month"]
        monthly, low, high = (
            f"{math.expm1(math.log1p(growth) * month) * 100:+.2g}%"
            for growth in (self.growth_per_day, self.growth_low, self.growth_high)
        )
        if not self.days_seen:
            return f"{monthly} a month" if self.growth_per_day else "without growth"
        return f"{monthly} a month ({low} to {high}), a trend through {self.days_seen} daily peaks"

    def to_dict(self) -> dict[str, Any]:
        """Plain data; `Forecast(**plain)` is the way back."""
        return asdict(self)


def stated(peak_per_s: float, growth: float = 0.0, per: str = "month") -> Forecast:
    """A forecast as given on the command line: `300/s`, growing `4%/month`. Raises KeyError for a unit."""
    daily = math.expm1(math.log1p(growth) / DAYS[per])
    return Forecast(peak_per_s, daily, daily, daily)


def fitted(daily_peaks_per_s: npt.ArrayLike, days: npt.ArrayLike | None = None, since: str = "") -> Forecast:
    """A forecast from daily peaks, oldest first, shape (n,): Theil-Sen's slope of ln(peak).

    Theil-Sen, as a single bad day must not bend the line; its interval (90%) is widened for the
    dependence of neighbouring days. `days` is each peak's day where some are missing. Raises ValueError
    with fewer than 14 days or a peak of zero.
    """
    peaks = np.asarray(daily_peaks_per_s, dtype=np.float64)
    if peaks.size < FEWEST_DAYS or not (np.isfinite(peaks) & (peaks > 0)).all():
        raise ValueError(f"a trend needs at least {FEWEST_DAYS} daily peaks, each above zero")
    day = np.arange(peaks.size, dtype=np.float64) if days is None else np.asarray(days, dtype=np.float64)
    slope, middle, low, high = stats.theilslopes(np.log(peaks), day, alpha=0.9)
    residuals = np.log(peaks) - middle - slope * day
    r = max(0.0, float(np.corrcoef(residuals[:-1], residuals[1:])[0, 1])) if np.ptp(residuals) else 0.0
    wider = math.sqrt((1 + r) / max(1 - r, 0.05))
    now = math.exp(middle + slope * float(day[-1]) + float(np.quantile(residuals, 0.9)))
    return Forecast(
        now,
        math.expm1(slope),
        math.expm1(slope - (slope - low) * wider),
        math.expm1(slope + (high - slope) * wider),
        peaks.size,
        since,
    )


@dataclass(frozen=True)
class Lasts:
    """Days until the peak reaches a rate; None for not within 3 years, 0 for already. Soonest to latest."""

    days: float | None
    soonest: float | None
    latest: float | None


def lasts(forecast: Forecast, capacity_per_s: float, age_days: float = 0.0) -> Lasts:
    """How long a capacity lasts from today on, where the forecast's own peak is so many days old."""
    growths = (forecast.growth_per_day, forecast.growth_high, forecast.growth_low)
    return Lasts(*(_days(forecast.peak_per_s, growth, capacity_per_s, age_days) for growth in growths))


def _days(peak: float, growth: float, capacity: float, age: float) -> float | None:
    ahead, daily = math.log(capacity / peak), math.log1p(growth)
    if ahead <= daily * age:
        return 0.0
    if growth <= 0:
        return None
    days = ahead / daily - age
    return days if days <= FARTHEST_DAYS else None


def parse_growth(text: str) -> tuple[float, str]:
    """`4%/month` as (0.04, "month"). Raises UsageError."""
    found = _GROWTH.fullmatch(text.strip())
    if found is None or float(found[1]) <= -100:
        raise UsageError(f"'{text}' is no growth: write it like 4%/month (day, week, month, quarter, year)")
    return float(found[1]) / 100, found[2].lower()


def forecast_from(peak: str, growth: str | None = None) -> Forecast:
    """The forecast of `300/s` and `4%/month`. Raises UsageError."""
    rate = parse_rate_per_s(peak)
    if rate <= 0:
        raise UsageError(f"'{peak}' is no peak: it has to be above zero")
    return stated(rate, *(parse_growth(growth) if growth else ()))


def forecast_in(text: str, name: str) -> Forecast:
    """The forecast of a CSV text: a line a day of `date,peak per second`, a header allowed.

    Raises UsageError, which names the file and the line.
    """
    peaks: dict[date, float] = {}
    for number, row in enumerate(csv.reader(io.StringIO(text)), 1):
        if not row or (number == 1 and not _is_day(row)):
            continue
        try:
            peaks[date.fromisoformat(row[0].strip())] = float(row[1])
        except (ValueError, IndexError) as wrong:
            raise UsageError(f"{name}, line {number}: write it like 2026-11-24,312.5") from wrong
    days = sorted(peaks)
    try:
        return fitted(
            [peaks[day] for day in days],
            [(day - days[0]).days for day in days],
            str(days[-1]) if days else "",
        )
    except ValueError as few:
        raise UsageError(f"{name}: {few}; it has {len(days)}") from few


def _is_day(row: Sequence[str]) -> bool:
    try:
        date.fromisoformat(row[0].strip())
    except ValueError:
        return False
    return True
