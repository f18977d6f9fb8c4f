from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from analysis.spectrum import RatePoint, spectrum
from analysis.timeline import Timeline, heat_map
from reports.charts.axes import clock, rounded_up
from reports.charts.curves import RateChart, RateCurve, SpectrumLine, draw_rate_curve, draw_spectrum
from reports.charts.heat import draw_heat
from reports.charts.labels import shortened, spread
from reports.charts.lines import Hole, Line, LineChart, Mark, Story, draw_lines
from results import Endpoint, Histogram, Interval

AT = np.arange(30.0)


def drawn(lines: list[Line] | None = None, story: Story | None = None, label: str = "a chart") -> str:
    return draw_lines(LineChart(label, lines or [Line("a", AT, AT * 2)], story or Story(30)))


def test_svg_is_well_formed_without_size_and_with_a_label() -> None:
    root = ElementTree.fromstring(drawn(label='"<&>"'))
    assert root.get("width") is None
    assert root.get("role") == "img"
    assert root.get("aria-label") == '"<&>"'


def test_colours_are_the_pages_own() -> None:
    svg = drawn(
        [Line("a", AT, AT), Line("b", AT, AT[::-1], dashed=True)], Story(30, 5, [Mark(10, "x", True)])
    )
    assert "var(--accent)" in svg
    assert re.findall(r"#[0-9a-f]{6}", svg) == []


def test_text_stays_text_and_long_numbers_in_it_are_kept() -> None:
    assert ">p99.999<" in drawn([Line("p99.999", AT, AT), Line("b", AT, AT)])


def test_ids_of_two_charts_never_meet() -> None:
    first, second = (set(re.findall(r'id="([^"]+)"', drawn())) for _ in range(2))
    assert first
    assert not first & second


def test_mathematics_in_a_name_is_not_typeset() -> None:
    assert "$x_1$" in drawn([Line("$x_1$", AT, AT), Line("$", AT, AT)])


def test_gap_is_hatched_and_named() -> None:
    svg = drawn(story=Story(30, 0, [], [Hole(10, 14, "timed out")]))
    assert "<pattern" in svg
    assert "no data: timed out" in svg


@pytest.mark.parametrize("values", [np.full(30, np.nan), np.zeros(30), np.full(30, 1e-9), np.full(30, 1e15)])
def test_strange_values_make_a_chart_all_the_same(values: np.ndarray) -> None:
    ElementTree.fromstring(drawn([Line("a", AT, values), Line("b", AT[:0], AT[:0])]))


def test_heat_map_of_one_request_and_of_none() -> None:
    for requests in (0, 1):
        line = Timeline(5)
        times = Histogram.from_values_us([1000] * requests)
        line.add(Interval(0, "g0", Endpoint("x"), times, times))
        svg = draw_heat(line, heat_map(line), Story(5), [(250e3, "SLO")], "heat", 400, 300)
        ElementTree.fromstring(svg)


def test_curve_names_the_last_pass_and_the_first_fail() -> None:
    points = [RatePoint(0, 1, 900, rate, 1e4, 3e4, rate * 500, 0.0, True) for rate in (100.0, 200, 400, 425)]
    chart = RateChart("x", [RateCurve(points)], [(250e3, "SLO p99 < 250 ms")], (400, 400), (425, 425))
    svg = draw_rate_curve(chart, 960, 350)
    assert ">400/s last pass<" in svg
    assert ">425/s first fail<" in svg


def test_spectrum_of_a_single_request() -> None:
    line = SpectrumLine("response", spectrum(Histogram.from_values_us([1000])))
    ElementTree.fromstring(draw_spectrum([line], [(0.99, 1e5, "limit")], "x", 400, 300))


def test_labels_are_moved_apart_but_stay_inside() -> None:
    places = spread([10, 11, 12, 99], 14, 0, 100)
    assert all(b - a >= 14 for a, b in itertools.pairwise(places))
    assert places[-1] <= 100


def test_clock_times_and_round_ends() -> None:
    assert [clock(s) for s in (0, 75, 3661)] == ["0:00", "1:15", "1:01:01"]
    # The middles of seconds, as windows of charts have them, are each of their own second.
    assert [clock(s + 0.5) for s in range(4)] == ["0:00", "0:01", "0:02", "0:03"]
    assert clock(59.9999999) == "1:00"
    assert rounded_up(9.7) == 10
    assert rounded_up(0) == 1
    assert rounded_up(65e6, binary=True) == 4 * 2**24


def test_names_cut_short_can_still_be_told_apart() -> None:
    alike = [
        "connections of the lb/inner",
        "connections of the lb/public",
        "CPU",
        "memory of the machine",
    ]
    cut = shortened(alike, 20)
    assert len(set(cut)) == len(alike)
    assert max(map(len, cut)) <= 20
    assert cut[0].endswith("lb/inner")
    assert cut[2:] == ["CPU", "memory of the machi…"]
