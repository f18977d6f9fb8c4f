"""The curve of a capacity page: response times over the levels, with the last pass and the first fail."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analysis.capacity import Capacity, LevelPoint
from analysis.spectrum import RatePoint
from reports.charts.curves import RateChart, RateCurve, draw_rate_curve
from reports.parts import Chart, Figures, Section
from reports.run_data import LevelSeen, RunReport
from reports.sections.load import limits_us
from reports.sections.shared import NARROW, WIDE
from results import Histogram
from results.units import show_latency, show_rate, show_ratio

SAME_RATE = 1.015
"""Levels whose rates differ by less are one dot."""


@dataclass(frozen=True)
class Point:
    """Levels at about one rate, taken together: the chart's dots."""

    offered_per_s: float
    achieved_per_s: float
    requests_per_s: float
    response: Histogram
    failed: int
    from_s: float
    to_s: float


def points(report: RunReport, found: Capacity) -> list[Point]:
    """What the levels that are evidence did, by rate; levels of one rate are merged.

    Of overloaded levels only the first fail stays: how much came through then depends on how long it lasted.
    """
    first_fail = found.first_fail.number if found.first_fail else -1
    kept = [
        seen
        for seen, level in zip(report.levels, found.levels, strict=False)
        if level.is_evidence and seen.total.requests
        and (not level.overloaded or level.number == first_fail)
    ]  # fmt: skip
    groups: list[list[LevelSeen]] = []
    for seen in sorted(kept, key=lambda one: one.rate_per_s):
        if groups and seen.rate_per_s <= groups[-1][0].rate_per_s * SAME_RATE:
            groups[-1].append(seen)
        else:
            groups.append([seen])
    return [_merged(group) for group in groups]


def _merged(group: list[LevelSeen]) -> Point:
    seconds = [one.to_s - one.from_s for one in group]
    return Point(
        float(np.average([one.rate_per_s for one in group], weights=seconds)),
        float(np.average([one.achieved_per_s for one in group], weights=seconds)),
        float(np.average([one.total.rate_per_s for one in group], weights=seconds)),
        Histogram.merged(one.total.response for one in group),
        sum(one.total.failed for one in group),
        group[0].from_s,
        group[-1].to_s,
    )


def curve(report: RunReport, found: Capacity) -> list[RatePoint]:
    """The levels by the rate that was offered, at the requests per second that came of it."""
    return [replace(_dot(level), rate_per_s=level.requests_per_s) for level in points(report, found)]


def how_much(report: RunReport, capacity: Capacity) -> Section | None:
    """The curve of response times over the levels, with the last pass and the first fail on it."""
    levels = points(report, capacity)
    # By what was offered: of an overload less comes through than of the last level that passed.
    dots = [replace(_dot(level), rate_per_s=level.offered_per_s) for level in levels]
    if len(dots) < 2:
        return None
    chart = RateChart(
        "Response time against offered rate, by level",
        [RateCurve(dots)],
        limits_us(report),
        _named(levels, capacity.last_pass),
        _named(levels, capacity.first_fail),
        axis="offered rate, arrivals per second",
    )
    rows = [
        [
            show_rate(level.offered_per_s),
            show_rate(level.achieved_per_s),
            show_latency(dot.p50_us),
            show_latency(dot.p95_us),
            show_latency(dot.p99_us),
            show_ratio(dot.error_ratio),
        ]
        for level, dot in zip(levels, dots, strict=True)
    ]
    drawn = Chart(
        "Response time against offered rate",
        draw_rate_curve(chart, *WIDE, "broad"),
        draw_rate_curve(chart, *NARROW, "narrow"),
        Figures(
            ["offered", "achieved", "p50", "p95", "p99", "errors"], rows, [dot.rate_per_s for dot in dots]
        ),
    )
    lead = (
        "Each dot is a rate that was held, every time it was. The band lies between the last level that"
        " passed and the first that failed."
    )
    return Section("load", "How much it carries", lead, [drawn])


def _named(levels: list[Point], point: LevelPoint | None) -> tuple[float, float] | None:
    """Where a point of the answer lies on the curve, if there, and its own rate: levels are merged."""
    if point is None:
        return None
    same = [one for one in levels if 1 / SAME_RATE <= one.offered_per_s / point.rate_per_s <= SAME_RATE]
    return (same[-1].offered_per_s, point.rate_per_s) if same else None


def _dot(level: Point) -> RatePoint:
    n = level.response.count
    p50, p95, p99 = (float(value) for value in level.response.quantiles_us([0.5, 0.95, 0.99]))
    return RatePoint(level.from_s, level.to_s, n, level.achieved_per_s, p50, p95, p99, level.failed / n, True)
