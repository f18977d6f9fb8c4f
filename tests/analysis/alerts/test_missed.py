"""When an objective was missed, on seconds whose every request is chosen."""

from __future__ import annotations

from collections.abc import Iterable

from analysis.alerts.missed import SloMoments
from results import Endpoint, Histogram, Interval, parse_slos

(SLO,) = parse_slos("errors < 10%")


def stretches(failed_by_second: Iterable[int], warmup_s: float = 0) -> list[tuple[float, float]]:
    """Ten requests a second, so many of which fail, for 40 s."""
    moments = SloMoments([SLO], 40, warmup_s)
    times = Histogram.from_values_us([1000.0] * 10)
    for second, failed in enumerate(failed_by_second):
        moments.add(Interval(second, "g0", Endpoint("x"), times, times.copy(), failed))
    return moments.stretches(SLO)


def test_an_objective_is_missed_as_long_as_its_last_ten_seconds_are_over_the_limit() -> None:
    # Two seconds of 9 in 10: 18 of the last 100 requests, until the first of them is ten seconds old.
    failed = [9 if second in (20, 21) else 0 for second in range(40)]
    assert stretches(failed) == [(21, 30)]


def test_what_failed_in_the_warm_up_is_no_miss_of_the_seconds_after_it() -> None:
    failed = [9 if second < 10 else 0 for second in range(40)]
    assert stretches(failed, warmup_s=10) == []
