"""The page that sets 2 to 10 single runs beside each other, for the eye: the first one is the baseline."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from analysis.difference import OVERALL, Blocks, Change, change_of
from analysis.duel_words import show_change
from reports.charts.change import draw_change, nines_of
from reports.parts import (
    Answer,
    Cell,
    Chart,
    Column,
    Fact,
    Figures,
    IntervalBar,
    Note,
    Page,
    Section,
    Table,
    kept,
)
from reports.render import write_page
from reports.run_data import RunReport, read_report
from reports.sections import comparison
from reports.sections.answer import p99_us
from reports.sections.shared import NARROW
from reports.words import NONE, counted
from results import Run, UsageError
from results.units import show_latency, show_rate, show_ratio

MOST_RUNS = 10
_SHARES = 1 - 10.0 ** -np.linspace(0.1, 3, 40)
_TABLE_SHARES = (0.5, 0.95, 0.99)


def write_comparison(runs: Sequence[Run], path: Path) -> Path:
    """Write the page. Raises UsageError unless there are 2 to 10 runs."""
    return write_page(comparison_page(runs), path)


def comparison_page(runs: Sequence[Run]) -> Page:
    """The page's data. Raises UsageError unless there are 2 to 10 runs."""
    if not 2 <= len(runs) <= MOST_RUNS:
        raise UsageError(f"compare takes 2 to {MOST_RUNS} runs, not {len(runs)}")
    reports = [read_report(run) for run in runs]
    blocks = [_blocks(report) for report in reports]
    names = comparison.names_of(runs)
    changes = [_change(blocks[0], other, OVERALL, _TABLE_SHARES) for other in blocks[1:]]
    sections = [
        _table(reports, names),
        comparison.overlaid_curves(reports, names),
        comparison.overlaid_spectra(
            [report.overall.response for report in reports], names, *_difference(blocks, names)
        ),
        _endpoints(reports, blocks, names),
        comparison.overlaid_time(reports, names),
        comparison.side_by_side(reports, names),
        comparison.differences(runs, names),
    ]
    told = _answer(reports, names, changes)
    return Page(
        title=told.sentence,
        kicker=["Comparison", runs[0].scenario, counted(len(runs), "run")],
        when=f"{runs[-1].started_at:%-d %b %Y %H:%M %Z}",
        answer=told,
        facts=[_fact(report, name) for report, name in list(zip(reports, names, strict=True))[:4]],
        sections=kept(sections),
        foot="Runs: " + ", ".join(run.id for run in runs),
    )


def _blocks(report: RunReport) -> Blocks:
    blocks = Blocks(report.from_s, report.to_s)
    for interval in report.run.intervals(start_s=report.from_s, end_s=report.to_s):
        blocks.add(interval)
    return blocks


def _change(before: Blocks, after: Blocks, name: str, shares: Sequence[float]) -> Change | None:
    if name not in before.counts or name not in after.counts:
        return None
    return change_of(before.counts[name], after.counts[name], list(shares), draws=120)


def _answer(reports: list[RunReport], names: list[str], changes: list[Change | None]) -> Answer:
    known = [(name, one) for name, one in zip(names[1:], changes, strict=True) if one is not None]
    why = "One run of each side: what differs from run to run on the same system is not in the intervals."
    advice = "Use 'harness duel' for a verdict that holds: runs of both sides that take turns."
    if not known:
        return Answer("Nothing to compare: a side has no requests.", why, advice, "warn")
    name, change = max(known, key=lambda pair: abs(pair[1].change[-1]))
    p99 = float(change.change[-1])
    if not bool(change.is_significant[-1]):
        told = "No difference in p99 that these runs could show"
        return Answer(f"{told}.", why, advice, accent="No difference")
    word = "higher" if p99 > 0 else "lower"
    low, high = (show_change(float(side[-1]), True) for side in (change.low, change.high))
    accent = f"{show_change(abs(p99), True).lstrip('+')} {word}"
    others = "" if len(names) == 2 else f" in {name}"
    text = f"p99 is {accent}{others} than in the baseline ({low} to {high})."
    return Answer(text, why, advice, accent=accent, evidence="spectrum")


def _fact(report: RunReport, name: str) -> Fact:
    overall = report.overall
    small = f"p99 at {show_rate(overall.rate_per_s)}, errors {show_ratio(overall.error_ratio)}"
    trust = "" if not report.doubts else "; cannot be trusted"
    return Fact(name, show_latency(p99_us(report)), small + trust, "warn" if trust else "")


def _table(reports: list[RunReport], names: list[str]) -> Section:
    columns = [
        Column("Run", number=False),
        Column("Requests/s"),
        Column("p50"),
        Column("p95"),
        Column("p99"),
        Column("Errors"),
        Column("Valid", number=False),
    ]
    rows = []
    for report, name in zip(reports, names, strict=True):
        values = report.overall.response.quantiles_us([0.5, 0.95, 0.99])
        cells = [Cell(name, report.run.id if name != report.run.id else "")]
        cells.append(Cell(show_rate(report.overall.rate_per_s), sort=report.overall.rate_per_s))
        cells += [Cell(show_latency(float(value)), sort=float(value)) for value in values]
        cells.append(Cell(show_ratio(report.overall.error_ratio), sort=report.overall.error_ratio))
        valid = not report.doubts
        cells.append(Cell("valid" if valid else "not valid", pill=True, tone="good" if valid else "warn"))
        rows.append(cells)
    doubts = [
        f"{name}: {reason.text}."
        for report, name in zip(reports, names, strict=True)
        for reason in report.doubts
    ]
    notes = [Note("", "warn", doubts)] if doubts else []
    return Section("runs", "The runs", "Of their steady parts.", [Table("The runs", columns, rows), *notes])


def _difference(blocks: list[Blocks], names: list[str]) -> list[Chart]:
    """For each run after the first, how it differs at each percentile."""
    charts = []
    for other, name in zip(blocks[1:], names[1:], strict=True):
        reach = min(
            int(side.counts[OVERALL].sum()) if OVERALL in side.counts else 0 for side in (blocks[0], other)
        )
        shares = [float(q) for q in _SHARES if reach * (1 - q) >= 5]
        change = _change(blocks[0], other, OVERALL, shares) if shares else None
        if change is None:
            continue
        label = f"Change of the response time of {name} against the baseline at each percentile"
        rows = [
            [
                f"p{q * 100:.4g}",
                *(show_change(float(side[i]), True) for side in (change.change, change.low, change.high)),
            ]
            for i, q in enumerate(shares)
        ]
        figures = Figures(["percentile", "change", "from", "to"], rows, [nines_of(q) for q in shares])
        charts.append(
            Chart(
                f"Change against the baseline, {name}",
                draw_change(change, label, 960, 260, "broad"),
                draw_change(change, label, *NARROW, "narrow"),
                figures,
                "The band is the 95% interval; where it holds 0, nothing was shown.",
            )
        )
    return charts


def _endpoints(reports: list[RunReport], blocks: list[Blocks], names: list[str]) -> Section | None:
    """Every endpoint's p99 in the first and the last run, the largest change first."""
    before, after = (
        {total.endpoint.name: total for total in report.table.rows} for report in (reports[0], reports[-1])
    )
    rows = []
    changes = {name: _change(blocks[0], blocks[-1], name, [0.5, 0.99]) for name in {*before, *after}}
    ends = [max(abs(one.low[1]), abs(one.high[1])) for one in changes.values() if one is not None]
    known = sorted(end for end in ends if math.isfinite(end))
    scale = known[int((len(known) - 1) * 0.9)] if known else 1.0
    for name, change in sorted(changes.items(), key=lambda pair: -_size(pair[1])):
        sides = [side[name].response if name in side else None for side in (before, after)]
        cells = [Cell(name)]
        for q in (0.5, 0.99):
            cells += [
                Cell(
                    NONE if one is None else show_latency(one.quantile_us(q)),
                    sort=one.quantile_us(q) if one else -1,
                )
                for one in sides
            ]
        rows.append([*cells, *_change_cells(change, scale)])
    columns = [
        Column("Endpoint", number=False),
        *(Column(f"{figure} {name}") for figure in ("p50", "p99") for name in (names[0], names[-1])),
        Column("p99 change"),
        Column("Interval", number=False),
    ]
    lead = "The largest change of p99 first; ~ where these two runs show none."
    return (
        Section("endpoints", "By endpoint", lead, [Table("By endpoint", columns, rows, sortable=True)])
        if rows
        else None
    )


def _size(change: Change | None) -> float:
    if change is None or not bool(change.is_significant[1]):
        return 0.0
    return abs(float(change.change[1]))


def _change_cells(change: Change | None, scale: float) -> list[Cell]:
    if change is None or not math.isfinite(change.change[1]):
        return [Cell(NONE, sort=0), Cell(NONE)]
    middle, low, high = (float(side[1]) for side in (change.change, change.low, change.high))
    shown = bool(change.is_significant[1])
    spoken = f"{show_change(low, True)} to {show_change(high, True)}"
    tone = ("bad" if middle > 0 else "good") if shown else ""
    bar = IntervalBar(low, middle, high, None, -scale, scale, tone)  # type: ignore[arg-type]
    return [
        Cell(show_change(middle, True) if shown else "~", sort=middle if shown else 0.0, strong=shown),
        Cell(spoken, interval=bar, sort=middle),
    ]
