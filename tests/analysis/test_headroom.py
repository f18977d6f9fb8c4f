import math
from datetime import date, timedelta

import numpy as np
import pytest

from analysis.connections import Connections, PoolSize
from analysis.forecast import fitted, forecast_from, forecast_in, stated
from analysis.headroom import System, headroom, instances, lasts, pool_need
from results import UsageError


def test_compound_growth_reaches_the_capacity_when_arithmetic_says() -> None:
    months = math.log(412 / 300) / math.log(1.04)
    found = lasts(stated(300, 0.04, "month"), 412)
    assert found.days == pytest.approx(months * 365.25 / 12)
    assert found.soonest == found.days == found.latest


@pytest.mark.parametrize(("peak", "growth", "days"), [(500, 0.1, 0.0), (300, 0.0, None), (300, -0.02, None)])
def test_already_reached_and_never_reached(peak, growth, days) -> None:
    assert lasts(stated(peak, growth), 412).days == days


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


def test_instances_at_target_utilisation_and_with_one_lost() -> None:
    need = instances(peak_per_s=600, capacity_per_s=412, present=2)
    assert need.at_target == math.ceil(600 / (206 * 0.7))
    assert need.with_one_lost == need.at_target + 1
    assert need.utilisation_one_lost == pytest.approx(600 / 206)


@pytest.mark.parametrize(
    ("size", "most", "said"),
    [
        (40, 151, "max_connections is 151: under load"),
        (37, 151, "fewer than 5"),
        (31, 151, "one more"),
        (10, 151, ""),
    ],
)
def test_connection_arithmetic(size, most, said) -> None:
    found = Connections("primary", (PoolSize("primary", "api", "primary", 4, 1, size),), most).warnings
    assert (said in found[0]) if said else not found


def test_pools_need_rate_times_seconds_held_over_the_target() -> None:
    pool = PoolSize("primary", "api", "primary", 2, 1, 10)
    need = pool_need(pool, peak_per_s=600, held_s=0.02, target=0.75)
    assert need.in_use == pytest.approx(12)
    assert need.at_target == 8  # 12 in use / 0.75 = 16, by two instances
    assert need.with_one_lost == 16
    alone = PoolSize("primary", "api", "primary", 1, 1, 10)
    assert pool_need(alone, 600, 0.02, 0.75).with_one_lost is None


def test_the_sentence_says_how_far_and_until_when() -> None:
    found = headroom(412, stated(300, 0.04), System((("web", 2),)), today=date(2026, 11, 24))
    # ln(412 / 300) / ln(1.04) = 8.09 months.
    assert found.sentence == "It carries the forecast peak of 300/s with 27% to spare, until July 2027."
    assert found.warnings == ("web: with one instance lost the forecast peak is more than the rest carry",)
    assert headroom(200, stated(300)).sentence == "It does not carry the forecast peak of 300/s."
    assert "as nothing grows" in headroom(412, stated(300)).sentence


def test_a_year_ahead_more_instances_need_more_connections_than_the_server_accepts() -> None:
    pool = PoolSize("primary", "api", "primary", 2, 1, 50)
    system = System((("api", 2),), (Connections("primary", (pool,), 151),), ((pool, 0.05),))
    found = headroom(412, stated(300, 0.06), system, today=date(2026, 11, 24))
    _, later = found.needs
    assert later.peak_per_s == pytest.approx(300 * 1.06**12, rel=0.01)
    assert dict(later.tiers)["api"].at_target == math.ceil(later.peak_per_s / (206 * 0.7))
    (server, needed, limit) = later.servers[0]
    instances_later = dict(later.tiers)["api"].with_one_lost
    assert (server, limit) == ("primary", 151)
    assert needed == 5 + instances_later * 50
    assert any("in a year the pools need" in text for text in found.warnings)


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
    found = headroom(forecast.peak_per_s * 1.002**100, forecast, today=date(2030, 1, 1))
    assert found.until == date(2026, 9, 29) + timedelta(days=100)


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
