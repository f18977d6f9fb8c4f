from __future__ import annotations

import numpy as np
import pytest

from analysis.timeline import Timeline, flow_line, heat_map
from results import Endpoint, Flow, Histogram, Interval, Part


def interval(second: int, values_us: list[float], **more: object) -> Interval:
    times = Histogram.from_values_us(values_us)
    return Interval(second, "g0", Endpoint("x"), times, times.copy(), **more)  # type: ignore[arg-type]


def test_windows_hold_the_requests_of_their_seconds() -> None:
    line = Timeline(10)
    line.add(interval(3, [1000, 2000], failed=1))
    line.add(interval(3, [4000]))
    assert line.requests.tolist() == [0, 0, 0, 3, 0, 0, 0, 0, 0, 0]
    assert line.failed[3] == 1
    assert np.isnan(line.quantile_us(1.0)[2])
    assert line.quantile_us(1.0)[3] == pytest.approx(4000, rel=0.004)


def test_long_run_is_folded_into_few_windows_without_losing_a_request() -> None:
    line = Timeline(86_400, most_windows=240)
    for second in range(0, 86_400, 600):
        line.add(interval(second, [1000]))
    assert line.from_s.size <= 240
    assert line.requests.sum() == 144


def test_setup_requests_are_left_out() -> None:
    line = Timeline(5)
    one = Histogram.from_values_us([1000])
    line.add(Interval(1, "g0", Endpoint("sign in", "page", True), one, one))
    assert line.requests.sum() == 0


def test_rate_counts_a_last_window_that_is_shorter() -> None:
    line = Timeline(10, most_windows=4)
    assert (line.to_s - line.from_s).tolist() == [3, 3, 3, 1]
    line.add(interval(9, [1000] * 8))
    assert line.rate_per_s[-1] == 8


def test_parts_and_what_they_leave_unexplained_add_up_to_the_service_time() -> None:
    line = Timeline(2)
    line.add(interval(0, [10_000.0] * 4, parts={"db": Part(4, 12_000, 5_000), "pool": Part(2, 8_000, 6_000)}))
    parts = line.mean_parts_ms()
    assert parts["db"][0] == pytest.approx(3)
    assert parts["pool"][0] == pytest.approx(2)
    assert sum(values[0] for values in parts.values()) == pytest.approx(10, rel=0.004)


def test_heat_map_keeps_every_request_in_its_band() -> None:
    line = Timeline(4)
    line.add(interval(0, [1000.0] * 10 + [100_000.0] * 5))
    heat = heat_map(line)
    filled = np.argwhere(heat.share > 0)
    assert filled[:, 1].tolist() == [0, 0]
    for (band, _), value, share in zip(filled, (1000, 100_000), (1.0, 0.5), strict=True):
        assert heat.edges_us[band] <= value * 1.004
        assert heat.edges_us[band + 1] >= value * 0.996
        assert heat.share[band, 0] == share


def test_flows_of_generators_are_summed_and_gauges_show_their_peak() -> None:
    flows = [Flow(s, g, 10, 10, 9, 1, 10, s, 0, 5) for s in range(4) for g in ("g0", "g1")]
    line = flow_line(flows, 4, most_windows=2)
    assert line.scheduled_per_s.tolist() == [20, 20]
    assert line.ended_per_s.tolist() == [20, 20]
    assert line.in_flight.tolist() == [2, 6]
    assert line.generators == ["g0", "g1"]


def test_what_ends_after_the_load_is_in_no_second_of_it() -> None:
    # 100/s asked, 80/s served; then 10 seconds of grace, in which the backlog of 200 is worked off.
    load = [Flow(s, "g0", 100, 80, 80, 0, 80, 20, 20 * (s + 1), 40) for s in range(10)]
    grace = [Flow(10 + s, "g0", 0, 20, 20, 0, 20, 20, 200 - 20 * (s + 1), 40) for s in range(10)]
    line = flow_line(load + grace, 10)
    assert line.ended_per_s.tolist() == [80] * 10
    assert line.in_flight.tolist() == [20] * 10
    assert line.backlog.tolist() == [20 * (s + 1) for s in range(10)]


def test_requests_that_arrivals_made_after_the_load_are_in_no_window_of_it() -> None:
    line = Timeline(10, most_windows=4)
    for second in range(16):
        line.add(interval(second, [1000] * 6))
    assert line.rate_per_s.tolist() == [6, 6, 6, 6]


def test_arrivals_of_a_last_second_that_is_cut_short_are_divided_by_what_there_was_of_it() -> None:
    flows = [Flow(0, "g0", 100, 100, 100), Flow(1, "g0", 50, 50, 50)]
    assert flow_line(flows, 1.5).ended_per_s.tolist() == [100, 100]
