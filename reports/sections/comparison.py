"""Sections that set runs beside each other: the gate table of a duel, overlays, what differs around them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from analysis import environment
from analysis.compare.figures import metric_of
from analysis.compare.sides import Comparison
from analysis.compare.words import show_change, show_value
from analysis.spectrum import RatePoint, spectrum
from reports.charts.axes import clock
from reports.charts.curves import RateChart, RateCurve, SpectrumLine, draw_rate_curve, draw_spectrum
from reports.charts.labels import shortened
from reports.charts.lines import Line, LineChart, Story, draw_lines
from reports.charts.saturation import SaturationMap, draw_saturation
from reports.charts.style import ACCENT, BASELINE, GREEN, GREY, INK, MUTED, ORANGE, VIOLET, WARN
from reports.parts import Block, Cell, Chart, Column, Figures, IntervalBar, Section, Table, Tone
from reports.run_data import RunReport
from reports.sections import capacity_curve
from reports.sections.load import limits_us
from reports.sections.shared import NARROW, WIDE, near
from reports.stored import stored_capacity
from reports.words import NONE
from results import Histogram, Run
from results.units import show_latency, show_rate

RUN_COLORS = (BASELINE, ACCENT, ORANGE, VIOLET, GREEN, INK, GREY, WARN, MUTED, ACCENT)
_TONES: dict[str, Tone] = {"pass": "good", "fail": "bad", "inconclusive": "warn"}
_MOST_SATURATION = 16
_MOST_NAME = 24
"""Characters of a run's name."""


def gate_table(comparisons: Sequence[Comparison], caption: str) -> Table:
    """Baseline, candidate, change with its interval as a bar, verdict: one row a figure."""
    columns = [
        Column("Endpoint", number=False),
        Column("Figure", number=False),
        Column("Baseline"),
        Column("Candidate"),
        Column("Change"),
        Column("Interval", number=False, what="95% interval of the change; red: the tolerance"),
        Column("Allowed", what="The tolerance: the change for the worse that is allowed"),
        Column("Verdict", number=False),
    ]
    scales = {
        is_ratio: _scale([c for c in comparisons if c.is_ratio is is_ratio]) for is_ratio in (True, False)
    }
    return Table(
        caption, columns, [_gate_row(one, scales[one.is_ratio]) for one in comparisons], sortable=True
    )


def _scale(comparisons: Sequence[Comparison]) -> float:
    """Half the interval axis: the 90th percentile, so that one wild interval flattens no other."""
    reach = sorted(max(abs(one.low), abs(one.high), 1.5 * one.tolerance) for one in comparisons)
    known = [value for value in reach if math.isfinite(value)]
    return known[int((len(known) - 1) * 0.9)] if known else 1.0


def _gate_row(one: Comparison, scale: float) -> list[Cell]:
    worse = metric_of(one.metric).worse
    tolerance = one.tolerance * worse
    change = show_change(one.change, one.is_ratio)
    told = change if one.is_significant else "~"
    spoken = f"{show_change(one.low, one.is_ratio)} to {show_change(one.high, one.is_ratio)}"
    tone = _TONES[one.verdict]
    bar = IntervalBar(one.low, one.change, one.high, tolerance, -scale, scale, tone)
    return [
        Cell("all" if one.endpoint == "all" else one.endpoint),
        Cell(one.label, "; ".join(one.doubts)),
        Cell(show_value(one.baseline, one.unit), sort=one.baseline),
        Cell(show_value(one.candidate, one.unit), sort=one.candidate),
        Cell(told, sort=one.change if one.is_significant else 0.0, strong=one.is_significant),
        Cell(spoken, interval=bar, sort=one.change),
        Cell(
            show_change(math.copysign(one.tolerance, worse), one.is_ratio), sort=one.tolerance, tone="muted"
        ),
        Cell(one.verdict, pill=True, tone=tone),
    ]


def names_of(runs: Sequence[Run]) -> list[str]:
    """Short names, each different: the first is the baseline, others are ids without what all end with."""
    if len(runs) == 2:
        return ["baseline", "candidate"]
    pieces = [run.id.split("-") for run in runs]
    while min(map(len, pieces)) > 1 and len({one[-1] for one in pieces}) == 1:
        pieces = [one[:-1] for one in pieces]
    return ["baseline", *shortened(["-".join(one) for one in pieces[1:]], _MOST_NAME)]


def overlaid_curves(reports: Sequence[RunReport], names: Sequence[str]) -> Section | None:
    """Response time against rate, one p99 curve a run."""
    overlaid = [
        RateCurve(_curve(report), name, color)
        for report, name, color in zip(reports, names, RUN_COLORS, strict=False)
    ]
    curves = [curve for curve in overlaid if curve.points]
    if not any(len(curve.points) > 1 for curve in curves):
        return None
    chart = RateChart("p99 against achieved rate, by run", curves, limits_us(reports[-1]), only_p99=True)
    rows = [
        [show_rate(point.rate_per_s), curve.name, show_latency(point.p50_us), show_latency(point.p99_us)]
        for curve in curves
        for point in curve.points
    ]
    at = [point.rate_per_s for curve in curves for point in curve.points]
    drawn = Chart(
        "p99 against achieved rate",
        draw_rate_curve(chart, *WIDE, "broad"),
        draw_rate_curve(chart, *NARROW, "narrow"),
        Figures(["requests", "run", "p50", "p99"], rows, at),
    )
    return Section("load", "How each answered to load", "The baseline is brown.", [drawn])


def _curve(report: RunReport) -> list[RatePoint]:
    """By rate; of a capacity search its levels, as what lies between them is the search's own doing."""
    found = stored_capacity(report.run) if report.levels else None
    return report.curve if found is None else capacity_curve.curve(report, found)


def overlaid_spectra(
    responses: Sequence[Histogram], names: Sequence[str], *more: Block, lead: str = "Of the steady parts."
) -> Section | None:
    """Percentile spectra on each other, and what is to stand below them."""
    lines = [
        SpectrumLine(name, spectrum(response), color)
        for response, name, color in zip(responses, names, RUN_COLORS, strict=False)
    ]
    if not any(line.spectrum.q.size for line in lines):
        return None
    shares = (0.5, 0.75, 0.9, 0.95, 0.99, 0.999)
    rows = [
        [f"p{q * 100:g}", *(show_latency(response.quantile_us(q)) for response in responses)] for q in shares
    ]
    label = "Response time at each percentile, by run"
    drawn = Chart(
        "Response time at each percentile",
        draw_spectrum(lines, [], label, *WIDE, "broad"),
        draw_spectrum(lines, [], label, *NARROW, "narrow"),
        Figures(["percentile", *names], rows, [-math.log10(1 - q) for q in shares]),
    )
    return Section("spectrum", "All percentiles", lead, [drawn, *more])


def overlaid_time(reports: Sequence[RunReport], names: Sequence[str]) -> Section | None:
    """p99 over time since load began, all runs on one clock."""
    lines = [
        Line(name, report.timeline.mid_s, report.timeline.quantile_us(0.99) / 1e3, color, 1.8)
        for report, name, color in zip(reports, names, RUN_COLORS, strict=False)
    ]
    longest = max(reports, key=lambda report: report.run.duration_s)
    story = Story(longest.run.duration_s, max(report.run.warmup_s for report in reports))
    at = longest.timeline.mid_s
    values = [near(line, at) for line in lines]

    def show(ms: float) -> str:
        return show_latency(ms * 1e3) if ms else "0"

    rows = [
        [clock(time), *(show(float(v[i])) if np.isfinite(v[i]) else NONE for v in values)]
        for i, time in enumerate(at.tolist())
    ]
    chart = LineChart("p99 over time, by run", lines, story, show)
    drawn = Chart(
        "p99 over time",
        draw_lines(chart, 960, 300, "broad"),
        draw_lines(chart, 400, 260, "narrow"),
        Figures(["since start", *names], rows, at.tolist()),
    )
    return Section("time", "Over time", "Clocks aligned where load began.", [drawn])


def side_by_side(reports: Sequence[RunReport], names: Sequence[str]) -> Section | None:
    """How full each part was in each run."""
    shares: dict[str, list[float]] = {}
    for number, report in enumerate(reports):
        for panel in report.panels:
            for figure in panel.figures:
                if figure.of:
                    row = shares.setdefault(f"{panel.title}: {figure.name}", [math.nan] * len(reports))
                    row[number] = figure.value / figure.of
    ordered = sorted(shares.items(), key=lambda pair: -np.nanmax(pair[1]))[:_MOST_SATURATION]
    if not ordered:
        return None
    table = np.array([values for _, values in ordered])
    parts = [name for name, _ in ordered]
    chart = SaturationMap("How full each part was, by run", parts, list(names), table, all_written=True)
    rows = [
        [name, *(f"{v * 100:.0f}%" if math.isfinite(v) else NONE for v in values)] for name, values in ordered
    ]
    drawn = Chart(
        "Per cent of what each part can give, at its fullest",
        draw_saturation(chart, 960, "broad"),
        draw_saturation(chart, 400, "narrow"),
        Figures(["part", *names], rows),
    )
    return Section("tiers", "How full each part was", "Red is full; hatched was not watched.", [drawn])


def differences(runs: Sequence[Run], names: Sequence[str]) -> Section:
    """What differs around the runs: plan, versions, settings, host."""
    facts = [{"plan": _plan(run), **run.environment} for run in runs]
    differing = environment.differences(facts)
    if not differing:
        lead = "Nothing that was recorded differs: plan, versions, settings and host are the same."
        return Section("differences", "What differs around them", lead, [Table("Runs", *_who(runs, names))])
    columns = [Column("What", number=False), *(Column(name, number=False) for name in names)]
    rows = [
        [Cell(one.name), *(Cell(NONE if value is None else str(value)) for value in one.values)]
        for one in differing
    ]
    recorded = {name for one in facts for name in environment.flattened(one)}
    lead = f"{len(differing)} of {len(recorded)} recorded facts differ; the rest is the same."
    blocks: list[Block] = [Table("What differs", columns, rows), Table("Runs", *_who(runs, names))]
    return Section("differences", "What differs around them", lead, blocks)


def _who(runs: Sequence[Run], names: Sequence[str]) -> tuple[list[Column], list[list[Cell]]]:
    columns = [Column(name, number=False) for name in ("", "Run", "When", "Target")]
    rows = [
        [Cell(name), Cell(run.id), Cell(f"{run.started_at:%-d %b %Y %H:%M}"), Cell(run.target)]
        for run, name in zip(runs, names, strict=True)
    ]
    return columns, rows


def _plan(run: Run) -> dict[str, Any]:
    stages = str(run.stages) if run.stages else run.kind
    told = {
        "scenario": run.scenario,
        "target": run.target,
        "stages": stages,
        "warm-up": f"{run.warmup_s:g} s",
    }
    return told | {
        key: value
        for key, value in run.plan.items()
        if isinstance(value, str | int | float) and key != "warmup_s"
    }
