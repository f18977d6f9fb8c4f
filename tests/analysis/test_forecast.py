import math
from datetime import date, timedelta

import numpy as np
import pytest

from analysis.forecast import Forecast, fitted, forecast_from, forecast_in, lasts, stated
from results import UsageError


def test_compound_growth_reaches_the_capacity_when_arithmetic_says() -> None:
    months = math.log(412 / 300) / math.log(1.04)
    found = lasts(stated(300, 0.04, "month"), 412)
    assert found.days == pytest.approx(months * 365.25 / 12)
    assert found.soonest == found.days == found.latest


@pytest.mark.parametrize(("peak", "growth", "days"), [(500, 0.1, 0.0), (300, 0.0, None), (300, -0.02, None)])
def test_already_reached_and_never_reached(peak, growth, days) -> None:
    assert lasts(stated(peak, growth), 412).days == days


def test_each_end_of_a_trend_is_drawn_from_the_last_daily_peak_and_counted_from_today() -> None:
    trend = Forecast(100, 0.01, -0.001, 0.02, 60, "2026-09-30")
    found = lasts(trend, 200, age_days=20)
    # ln 2 / ln 1.01 = 69.66 days and ln 2 / ln 1.02 = 35.00 after the last peak, which is 20 days old.
    assert (found.days, found.soonest) == pytest.approx((49.66, 15.00), abs=0.01)
    assert found.latest is None
    assert lasts(trend, 200, age_days=40).soonest == 0


def test_a_trend_is_found_in_weekly_noisy_peaks_and_its_interval_holds_it() -> None:
    random = np.random.default_rng(3)
    held = []
    for _ in range(60):
        day = np.arange(120)
        week = 1 + 0.1 * np.sin(2 * np.pi * day / 7)
        peaks = 200 * 1.002**day * week * np.exp(random.normal(0, 0.05, day.size))
        peaks[random.integers(0, 120, 2)] *= 3
        forecast = fitted(peaks)
        held.append(forecast.growth_low <= 0.002 <= forecast.growth_high)
        assert forecast.growth_per_day == pytest.approx(0.002, abs=0.0015)
    assert np.mean(held) >= 0.85


def test_too_short_a_series_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 14"):
        fitted([100.0] * 10)


def test_a_forecast_is_read_from_the_command_line() -> None:
    forecast = forecast_from("300/s", "4%/month")
    assert forecast.peak_after(365.25 / 12) == pytest.approx(312)
    assert forecast.words == "+4% a month"
    assert forecast_from("18000/m").peak_per_s == pytest.approx(300)


@pytest.mark.parametrize(
    ("peak", "growth", "said"),
    [("300", "4%/month", "not a rate"), ("300/s", "4%", "no growth"), ("0/s", "4%/month", "above zero")],
)
def test_a_forecast_that_cannot_be_read_is_said_in_one_line(peak, growth, said) -> None:
    with pytest.raises(UsageError, match=said):
        forecast_from(peak, growth)


def peaks_csv(days: int, growth_per_day: float, gaps: tuple[int, ...] = ()) -> str:
    begin = date(2026, 8, 1)
    lines = [
        f"{begin + timedelta(days=n)},{200 * (1 + growth_per_day) ** n:.3f}"
        for n in range(days)
        if n not in gaps
    ]
    return "day,peak\n" + "\n".join(lines) + "\n"


def test_daily_peaks_in_a_csv_have_a_trend_with_missing_days_in_their_place() -> None:
    forecast = forecast_in(peaks_csv(60, 0.002, gaps=(10, 11, 30)), "peaks.csv")
    assert forecast.growth_per_day == pytest.approx(0.002, rel=1e-3)
    assert forecast.since == "2026-09-29"
    assert forecast.days_seen == 57
    assert forecast.age_days(date(2026, 10, 9)) == 10


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (peaks_csv(10, 0.01), "at least 14 daily peaks.*it has 10"),
        ("2026-08-01,200\n2026-08-02,many\n", "peaks.csv, line 2"),
        ("2026-08-01\n", "line 1"),
        ("", "it has 0"),
    ],
)
def test_a_csv_that_cannot_be_used_is_said_with_its_line(text, said) -> None:
    with pytest.raises(UsageError, match=said):
        forecast_in(text, "peaks.csv")
