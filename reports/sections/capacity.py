"""The sections of a capacity page that say what was measured: curve, time by part, limits, levels."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analysis.capacity import (
    PURPOSE_WORDS,
    Capacity,
    LevelPoint,
    Recovery,
    Review,
    SloLimit,
    outcome_words,
)
from analysis.spectrum import RatePoint
from reports.charts.curves import RateChart, RateCurve, draw_rate_curve
from reports.charts.levels import Part, draw_parts
from reports.parts import (
    Block,
    Cell,
    Chart,
    Column,
    Fact,
    Facts,
    Figures,
    More,
    Note,
    Section,
    Table,
    Tone,
)
from reports.run_data import LevelSeen, RunReport
from reports.sections.load import limits_us
from reports.sections.over_time import color_of
from reports.sections.shared import NARROW, WIDE
from reports.words import NONE
from results import Histogram
from results.units import show_latency, show_rate, show_ratio

_COLOR_OF = {"elsewhere": "other", "lb queue": "queue", "web-queue": "queue", "backlog": "render"}
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


def where_the_time_went(told: Review) -> Section | None:
    """Mean time of a request by part, stacked, level by level."""
    levels = [one.stretch for one in told.held if one.stretch.components_ms]
    if len(levels) < 2:
        return None
    spent = [level.components_ms for level in levels]
    names = sorted(
        {name for one in spent for name in one if max(other.get(name, 0.0) for other in spent) >= 0.01},
        key=lambda name: (
            name != "elsewhere",
            name in ("pool", "queue", "web-queue", "lb queue", "backlog"),
            name,
        ),
    )
    layers = [
        Part(name, np.array([one.get(name, 0.0) for one in spent]), color_of(_COLOR_OF.get(name, name)))
        for name in names
    ]
    rates = [level.rate_per_s for level in levels]
    label = "Mean response time of a request by part, at each level"
    rows = [
        [f"{level.rate_per_s:.3g}/s", *(show_latency(one.get(name, 0.0) * 1e3) for name in names)]
        for level, one in zip(levels, spent, strict=True)
    ]
    drawn = Chart(
        "Where the time went, mean of a request",
        draw_parts(layers, rates, label, 960, 300, "broad"),
        draw_parts(layers, rates, label, *NARROW, "narrow"),
        Figures(["level", *names], rows, list(range(len(levels)))),
    )
    lead = "What grows with load is where requests wait. 'elsewhere' is what no part of the system explains."
    return Section("parts", "Where the time went", lead, [drawn])


def objectives(told: Review) -> Section | None:
    """Each objective's own limit, and the pair that SPECjbb reports."""
    found = told.stated
    columns = [
        Column("Within", number=False),
        Column("Highest rate"),
        Column("90% interval"),
        Column("", number=False, wide=True),
    ]
    own = [
        _limit_row(one.slo.text, one.rate_per_s, one.low_per_s, one.high_per_s, _hit(found, one))
        for one in found.limits
    ]
    blocks: list[Block] = [Table("The highest rate within each objective", columns, own)] if own else []
    if told.ladder is not None:
        states = {"found": "", "beyond": "kept at every level: at least this", "never": "no level kept it"}
        rungs = [
            _limit_row(r.slo.text, r.rate_per_s, r.low_per_s, r.high_per_s, states[r.state])
            for r in told.ladder.rungs
        ]
        blocks += [_pair(told), More("The ladder, rung by rung", [Table("The ladder", columns, rungs)])]
    lead = "From the same levels. The objective with the lowest rate is the one that is hit first."
    return Section("limits", "Objective by objective", lead, blocks) if blocks else None


def _hit(found: Capacity, limit: SloLimit) -> str:
    if limit.rate_per_s is None:
        return "not hit within what was tried"
    return "hit first" if limit.slo == found.first_hit else ""


def _limit_row(name: str, rate: float | None, low: float | None, high: float | None, said: str) -> list[Cell]:
    between = f"{show_rate(low)} to {show_rate(high)}" if low is not None and high is not None else NONE
    return [
        Cell(name, href="#levels" if rate is not None else ""),
        Cell(show_rate(rate) if rate is not None else NONE, strong=True),
        Cell(between, tone="muted"),
        Cell(said, pill=said == "hit first", tone="bad" if said == "hit first" else "muted"),
    ]


def _pair(told: Review) -> Facts:
    """The highest rate at all and the highest within the ladder, in SPECjbb's manner."""
    found, rungs = told.capacity, told.ladder
    assert rungs is not None
    bound = "the system was overloaded beyond it" if found.max_is_bound else "it was not driven beyond it"
    at_all = show_rate(found.max_per_s) if found.max_per_s is not None else NONE
    within = show_rate(rungs.critical_per_s) if rungs.critical_per_s is not None else NONE
    return Facts(
        [
            Fact("Highest rate at all", at_all, f"objectives aside; {bound}"),
            Fact("Highest within the ladder", within, rungs.words),
        ],
        small=True,
    )


def levels(capacity: Capacity) -> Section | None:
    """Every level of the search, in its order."""
    if not capacity.levels:
        return None
    columns = [
        Column("Level"),
        Column("Purpose", number=False),
        Column("Offered"),
        Column("Achieved"),
        Column("Held"),
        *(Column(limit.slo.text, what="Over the limit, of what is allowed") for limit in capacity.limits),
        Column("Outcome", number=False),
    ]
    tones: dict[str, Tone] = {"pass": "good", "fail": "bad", "unclear": "warn", "invalid": "warn"}
    rows = [
        [
            Cell(str(level.number + 1), sort=level.number),
            Cell(PURPOSE_WORDS.get(level.purpose, level.purpose), "; ".join(level.problems)),
            Cell(show_rate(level.rate_per_s), sort=level.rate_per_s),
            Cell(show_rate(level.achieved_per_s), sort=level.achieved_per_s),
            Cell(f"{level.seconds} s", sort=level.seconds),
            *(
                Cell(show_ratio(share), sort=share, tone="bad" if share > 1 else "")
                for share, _ in zip(level.shares, capacity.limits, strict=False)
            ),
            Cell(_outcome(level), pill=True, tone=tones[level.outcome]),
        ]
        for level in capacity.levels
    ]
    lead = "In order of time. Under each objective: how much was over its limit, of what is allowed."
    blocks: list[Block] = [Table("Levels of the search", columns, rows, sortable=True)]
    recovered = [_recovery(one) for one in capacity.recoveries]
    if recovered:
        blocks.append(Note("Time to recover after an overload:", "muted", recovered))
    return Section("levels", "Every level", lead, blocks)


def _outcome(level: LevelPoint) -> str:
    """What came of a level, in plain words; a pause is no evidence and was not meant to be."""
    return "not judged" if level.purpose == "recover" else outcome_words(level.outcome, level.kept)


def _recovery(one: Recovery) -> str:
    at = f"after {show_rate(one.after_per_s)}, at {show_rate(one.pause_per_s)}"
    if one.complete:
        return f"{at}: {one.seconds} s until the backlog was worked off"
    return f"{at}: not recovered within {one.seconds} s"
