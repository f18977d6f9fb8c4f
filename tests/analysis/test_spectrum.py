from __future__ import annotations

import numpy as np
import pytest

from analysis.spectrum import FEWEST_REQUESTS, rate_curve, spectrum
from analysis.timeline import Timeline
from results import Endpoint, Histogram, Interval, Stages


def test_spectrum_of_an_exponential_is_a_straight_line_over_the_nines() -> None:
    values = np.random.default_rng(2).exponential(10_000, 200_000)
    found = spectrum(Histogram.from_values_us(values))
    inside = (found.nines > 0.5) & (found.nines < 3)
    expected = 10_000 * np.log(10) * found.nines[inside]
    assert np.allclose(found.latency_us[inside], expected, rtol=0.06)


def test_spectrum_ends_where_a_single_request_stands_for_it() -> None:
    found = spectrum(Histogram.from_values_us([1000.0] * 998 + [50_000.0] * 2))
    assert found.nines[-1] == pytest.approx(3)
    assert found.latency_us[-1] == pytest.approx(50_000, rel=0.004)


def test_no_requests_no_spectrum() -> None:
    assert spectrum(Histogram()).q.size == 0


def timeline_of(stages: Stages) -> Timeline:
    line = Timeline(stages.duration_s)
    for second in range(int(stages.duration_s)):
        rate = round(stages.rate_at(second + 0.5))
        times = Histogram.from_values_us([1000 + 10 * rate] * rate)
        line.add(Interval(second, "g0", Endpoint("x"), times, times))
    return line


def test_curve_has_one_point_for_each_held_level_and_is_ordered_by_rate() -> None:
    stages = Stages.parse("100/s for 10s, 50/s for 10s, 200/s for 10s")
    points = rate_curve(timeline_of(stages), stages, 5)
    assert [(point.rate_per_s, point.held) for point in points] == [(50, True), (100, True), (200, True)]
    assert [point.p99_us for point in points] == pytest.approx([1500, 2000, 3000], rel=0.004)


def test_ramp_gives_several_points_each_of_enough_requests() -> None:
    stages = Stages.parse("ramp to 200/s over 60s")
    points = rate_curve(timeline_of(stages), stages, 0)
    assert len(points) > 6
    assert all(point.requests >= FEWEST_REQUESTS for point in points)
    assert [point.p50_us for point in points] == sorted(point.p50_us for point in points)


def test_nothing_measured_no_curve() -> None:
    assert rate_curve(Timeline(10), None, 0) == []
