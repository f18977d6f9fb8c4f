"""A panel for each tier that was watched, and what could not be seen."""

from __future__ import annotations

from analysis.tiers import TierChart, TierFigure, TierPanel, TierTable
from reports.charts.lines import Line, Story
from reports.charts.style import ACCENT, BASELINE, GREEN, GREY, INK, ORANGE, VIOLET
from reports.parts import (
    Block,
    Cell,
    Chart,
    Column,
    Fact,
    Facts,
    Grid,
    Meter,
    Meters,
    More,
    Note,
    Section,
    Table,
)
from reports.run_data import RunReport
from reports.sections import databases, requests, routing
from reports.sections.shared import holes_of, story_of, time_chart
from reports.words import NONE, listed, sentence, show_value

_COLORS = (ACCENT, ORANGE, VIOLET, GREEN, BASELINE, GREY, INK)
_MOST_FIGURES = 12
_MORE = {
    "lb": (routing.rerouted,),
    "web": (requests.pages,),
    "api": (requests.procedures,),
    "replica": (requests.staleness,),
    "redis": (requests.key_classes,),
    "jobs": (requests.jobs_as_seen,),
}
"""What is said of a tier beyond its own samples."""


def tiers(report: RunReport) -> list[Section]:
    """A heading, then one section a tier."""
    if not report.panels:
        return []
    story = story_of(report)
    lead = "Figures are of the steady part. Hatched: a tier could not be asked then; unknown, not zero."
    head = Section("tiers", "Tier by tier", lead, [_saturation(report.panels)])
    return [head, *(_panel(report, panel, story) for panel in report.panels)]


def _saturation(panels: list[TierPanel]) -> Block:
    """Everything that has a limit, the fullest first."""
    found = [
        (figure.value / figure.of, panel, figure) for panel in panels for figure in panel.figures if figure.of
    ]
    found.sort(key=lambda one: -one[0])
    meters = [
        Meter(
            f"{panel.title}: {figure.name}",
            of_limit(figure),
            share,
            tone="bad" if figure.is_full else "",
        )
        for share, panel, figure in found[:8]
    ]
    if not meters:
        return Note("No tier told a limit of its own.", "muted")
    return Meters("How full each part was at its fullest", meters, two_columns=True)


def of_limit(figure: TierFigure) -> str:
    """`10 of 10`; a ratio says it by itself."""
    value = show_value(figure.value, figure.unit)
    return value if figure.unit == "ratio" else f"{value} of {show_value(figure.of or 0, figure.unit)}"


def _panel(report: RunReport, panel: TierPanel, story: Story) -> Section:
    blocks: list[Block] = []
    if panel.figures:
        blocks.append(Facts([_fact(figure) for figure in panel.figures[:_MOST_FIGURES]], small=True))
    blocks += [_table(table) for table in panel.tables if not table.folded]
    told = story.with_holes(holes_of(report, panel.tier))
    first, rest = panel.charts[: len(panel.charts) % 2], panel.charts[len(panel.charts) % 2 :]
    blocks += [_chart(chart, told, broad=True) for chart in first]
    if rest:
        blocks.append(Grid([_chart(chart, told) for chart in rest]))
    for more in _MORE.get(panel.tier, ()):
        blocks += more(report)
    digests = [digest for digest in report.run.digests if digest.tier == panel.tier]
    if digests:
        blocks += databases.digests(digests, report.run.duration_s)
    blocks += [More(table.title, [_table(table)]) for table in panel.tables if table.folded]
    if panel.nothing:
        blocks.append(Note(sentence(f"none of: {listed(panel.nothing)}"), "muted"))
    blocks += [
        Note(f"No answer from {gap.instance} for {gap.to_s - gap.from_s:.3g} s: {gap.reason}.", "warn")
        for gap in panel.gaps[:3]
    ]
    return Section(f"tier-{_slug(panel.tier)}", panel.title, panel.lead, blocks, level=3)


def _slug(tier: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in tier)


def _fact(figure: TierFigure) -> Fact:
    small = figure.small or (f"of {show_value(figure.of, figure.unit)}" if figure.of else "")
    return Fact(
        figure.name,
        show_value(figure.value, figure.unit),
        small,
        "bad" if figure.is_full or figure.alarming else "",
    )


def _table(table: TierTable) -> Table:
    columns = [Column(table.first, number=False), *(Column(name) for name, _ in table.columns)]
    rows = []
    for name, values in table.rows:
        cells = [Cell(name)]
        for (column, unit), value in zip(table.columns, values, strict=True):
            if value is None:
                cells.append(Cell(NONE, tone="muted", sort=-1))
                continue
            is_bad = column in table.bad and value > 0
            tone = "bad" if is_bad else "muted" if value == 0 else ""
            cells.append(Cell(show_value(value, unit), sort=value, tone=tone))  # type: ignore[arg-type]
        rows.append(cells)
    return Table(table.title, columns, rows, sortable=len(rows) > 2, titled=True)


def _chart(chart: TierChart, story: Story, *, broad: bool = False) -> Chart:
    unit = chart.unit
    colors = (*_COLORS, *(_COLORS[-1],) * max(len(chart.tracks) - len(_COLORS), 0))
    lines = [
        Line(track.name, track.at_s, track.values, color, opacity=0.85 if chart.stacked else 1.0)
        for track, color in zip(chart.tracks, colors, strict=False)
    ]
    drawn: Chart = time_chart(
        chart.title, lines, story, lambda value: show_value(value, unit) if value else "0",
        stacked=chart.stacked, limit=chart.limit, limit_label=chart.limit_name, broad=broad,
        binary=unit == "bytes", share=unit == "ratio",
    )  # fmt: skip
    return drawn


def blind(report: RunReport) -> Section | None:
    """What was not watched and what therefore cannot be told."""
    if not report.blind:
        return None
    items = [f"{title}: the report cannot tell {what}." for title, what in report.blind]
    return Section(
        "blind", "What this report cannot tell", "These parts gave no figures.", [Note("", "warn", items)]
    )
