import math
from datetime import date, timedelta

import pytest

from analysis.connections import Connections, PoolSize
from analysis.forecast import Forecast, stated
from analysis.headroom import System, headroom, instances, pool_need

LAST_PEAK = date(2026, 9, 29)


def trend(low: float, middle: float, high: float) -> Forecast:
    """200/s on the last day of 60 daily peaks, and its growth a day with the ends of the interval."""
    return Forecast(200, middle, low, high, 60, str(LAST_PEAK))


def test_instances_at_target_utilisation_and_with_one_lost() -> None:
    need = instances(peak_per_s=600, capacity_per_s=412, present=2)
    assert need.at_target == math.ceil(600 / (206 * 0.7))
    assert need.with_one_lost == need.at_target + 1
    assert need.utilisation_one_lost == pytest.approx(600 / 206)


def test_pools_need_rate_times_seconds_held_over_the_target() -> None:
    pool = PoolSize("primary", "api", "primary", 2, 10)
    need = pool_need(pool, peak_per_s=600, held_s=0.02, target=0.75)
    assert need.in_use == pytest.approx(12)
    assert need.at_target == 8  # 12 in use / 0.75 = 16, by two instances
    assert need.with_one_lost == 16
    alone = PoolSize("primary", "api", "primary", 1, 10)
    assert pool_need(alone, 600, 0.02, 0.75).with_one_lost is None


def test_the_sentence_says_how_far_and_until_when() -> None:
    found = headroom(412, stated(300, 0.04), System((("web", 2),)), today=date(2026, 11, 24))
    # ln(412 / 300) / ln(1.04) = 8.09 months.
    assert found.sentence == "It carries the forecast peak of 300/s with 27% to spare, until July 2027."
    assert found.warnings == ("web: with one instance lost the forecast peak is more than the rest carry",)
    assert headroom(200, stated(300)).sentence == "It does not carry the forecast peak of 300/s."
    assert "as nothing grows" in headroom(412, stated(300)).sentence


def test_where_no_bound_was_found_all_of_it_is_at_least() -> None:
    system = api_pool(2, 50, 151, 0.05)
    found = headroom(400, stated(300, 0.04), system, today=date(2026, 11, 24), at_least=True)
    # ln(400 / 300) / ln(1.04) = 7.33 months.
    assert found.sentence == (
        "It carries the forecast peak of 300/s with at least 25% to spare, at least until July 2027."
    )
    assert found.carries
    lost, now, later = found.warnings
    assert lost == "api: with one instance lost the forecast peak is more than the rest are known to carry"
    assert "the pools need 205 connections by the rate tested, max_connections is 151" in now
    assert "in a year the pools need 255 connections by the rate tested" in later
    slow = trend(-0.004, 0.0001, 0.004)
    assert "does not reach the rate tested" in headroom(412, slow, today=LAST_PEAK, at_least=True).sentence


def test_a_peak_above_what_was_tested_is_neither_carried_nor_not() -> None:
    found = headroom(200, stated(300, 0.04), System((("web", 2),)), at_least=True)
    assert found.sentence == (
        "Whether it carries the forecast peak of 300/s is not known: tested up to 200/s only."
    )
    assert (found.carries, found.until) == (None, None)
    assert headroom(200, stated(300)).carries is False


def test_an_older_trend_is_brought_forward_to_today_and_the_sentence_says_so() -> None:
    today = LAST_PEAK + timedelta(days=40)
    found = headroom(200 * 1.002**100, trend(0.001, 0.002, 0.004), System((("web", 2),)), today=today)
    assert found.peak_per_s == found.needs[0].peak_per_s == pytest.approx(200 * 1.002**40)
    assert found.ratio == pytest.approx(1 - 1.002**-60)
    assert found.until == LAST_PEAK + timedelta(days=100)
    assert found.needs[1].peak_per_s == pytest.approx(200 * 1.002**405)
    assert found.sentence == (
        "It carries the forecast peak of 217/s (brought from 2026-09-29 to today by its trend) with 11% to"
        " spare, until January 2027 (November 2026 to April 2027)."
    )
    assert "brought" not in headroom(400, trend(0, 0, 0), today=LAST_PEAK + timedelta(days=1)).sentence


def test_no_date_lies_in_the_past_however_old_the_daily_peaks_are() -> None:
    today = date(2030, 1, 1)
    found = headroom(200 * 1.002**100, trend(0.001, 0.002, 0.004), today=today)
    assert found.until == today
    assert found.sentence.startswith("It does not carry the forecast peak of ")
    assert any(
        "a trend through 60 daily peaks, drawn out for 1190 days since" in one for one in found.warnings
    )


@pytest.mark.parametrize("middle", [-0.0002, 0.0001])
def test_a_trend_whose_upper_end_alone_reaches_the_capacity_says_when(middle) -> None:
    found = headroom(412, trend(-0.004, middle, 0.004), today=LAST_PEAK)
    # ln(412 / 200) / ln(1.004) = 181 days.
    assert found.until is None
    assert found.sentence == (
        "It carries the forecast peak of 200/s with 51% to spare; the trend does not reach the capacity"
        " within 3 years, its upper end (90%) does in March 2027."
    )


def api_pool(instances: int, size: int, limit: int | None, held_s: float) -> System:
    pool = PoolSize("primary", "api", "primary", instances, size)
    return System((("api", instances),), (Connections("primary", (pool,), limit),), ((pool, held_s),))


def test_a_year_ahead_more_instances_need_more_connections_than_the_server_accepts() -> None:
    found = headroom(412, stated(300, 0.06), api_pool(2, 50, 151, 0.05), today=date(2026, 11, 24))
    _, later = found.needs
    assert later.peak_per_s == pytest.approx(300 * 1.06**12, rel=0.01)
    assert dict(later.tiers)["api"].at_target == math.ceil(later.peak_per_s / (206 * 0.7))
    instances_later = dict(later.tiers)["api"].with_one_lost
    assert later.servers == (("primary", 5 + instances_later * 50, 151),)
    assert any("in a year the pools need" in text for text in found.warnings)


def test_pools_are_sized_for_the_instances_that_the_peak_needs_not_for_those_of_today() -> None:
    # 824/s x 0.1 s = 82.4 in use, 117.7 at 70%: with 7 instances, one of which may be lost, 20 each.
    found = headroom(412, stated(824), api_pool(2, 10, 151, 0.1))
    assert dict(found.tiers)["api"].with_one_lost == 7
    assert found.needs[0].servers == (("primary", 5 + 7 * 20, 151),)
    assert not any("max_connections" in text for text in found.warnings)


def test_each_worker_of_an_instance_has_a_pool() -> None:
    # 824/s x 0.1 s = 82.4 in use, 117.7 at 70%: 14.7 for each of 2 x 4 workers, 29.4 with one instance lost.
    pool = PoolSize("primary", "api", "primary", 2, 2, workers=4)
    need = pool_need(pool, 824, 0.1)
    assert (need.at_target, need.with_one_lost) == (15, 30)
    # 7 instances, one of which may be lost: 117.7 by 6 x 4 workers is 5 each.
    system = System((("api", 2),), (Connections("primary", (pool,), 151),), ((pool, 0.1),))
    assert headroom(412, stated(824), system).needs[0].servers == (("primary", 5 + 7 * 4 * 5, 151),)


def test_a_server_whose_limit_is_unknown_has_no_need_that_could_be_held_against_it() -> None:
    assert headroom(412, stated(300), api_pool(2, 10, None, 0.1)).needs[0].servers == ()
