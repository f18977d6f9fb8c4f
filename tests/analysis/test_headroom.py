import math

import numpy as np
import pytest

from analysis.headroom import Connections, PoolUse, fitted, headroom, instances, lasts, stated


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
    found = Connections("primary", (PoolUse("primary", "api", 4, 1, size),), most).warnings
    assert (said in found[0]) if said else not found


def test_the_sentence_says_how_far_and_until_when() -> None:
    found = headroom(412, stated(300, 0.04), [("web", 2)])
    assert found.sentence == "It carries the forecast peak of 300/s with 27% to spare, for about 8 months."
    assert found.warnings == ("web: with one instance lost the forecast peak is more than the rest carry",)
    assert headroom(200, stated(300)).sentence == "It does not carry the forecast peak of 300/s."
