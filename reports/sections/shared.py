"""What several sections share: the story behind charts over time, and charts with their figures."""

from __future__ import annotations

import numpy as np

from reports.charts.axes import Format, clock
from reports.charts.lines import Floats, Hole, Line, LineChart, Mark, Story, draw_lines
from reports.parts import Chart, Figures
from reports.run_data import RunReport
from reports.words import NONE
from results import Event
from results.units import three_digits

WIDE, NARROW = (960, 350), (400, 300)
"""Pixels of a chart across the page, and of the same chart on a phone."""
_QUIET_EVENTS = ("stage", "warmup", "level")
_BAD_EVENTS = ("backend", "fault", "lost", "down", "aborted")


def story_of(report: RunReport) -> Story:
    """The run's warm-up and the events that are worth a line on every chart.

    Where a run has faults, the gaps that they make do not stand in the way of their names.
    """
    has_faults = any(event.kind == "fault" for event in report.run.events)
    quiet = (*_QUIET_EVENTS, "gap") if has_faults else _QUIET_EVENTS
    marks = [
        Mark(
            event.at_s, _words(event), event.kind in _BAD_EVENTS and not event.text.endswith((" up", "over"))
        )
        for event in report.run.events
        if event.kind not in quiet and 0 <= event.at_s <= report.run.duration_s
    ]
    return Story(report.run.duration_s, report.run.warmup_s, marks[:40])


def _words(event: Event) -> str:
    """An event on a chart: whose it is, where its text does not say so."""
    whose = event.instance or event.tier
    return event.text if not whose or whose.rpartition("/")[2] in event.text else f"{whose}: {event.text}"


def holes_of(report: RunReport, tier: str) -> list[Hole]:
    """Where a tier could not be asked, for its charts."""
    return [Hole(gap.from_s, gap.to_s, gap.reason) for gap in report.run.gaps if gap.tier == tier]


def time_chart(
    title: str,
    lines: list[Line],
    story: Story,
    show: Format = three_digits,
    *,
    stacked: bool = False,
    limit: float | None = None,
    limit_label: str = "",
    broad: bool = False,
    binary: bool = False,
    share: bool = False,
) -> Chart:
    """A chart over time with its figures; a `broad` one fills the page and has a drawing for phones."""
    spec = LineChart(f"{title}, over time", lines, story, show, limit, limit_label, stacked, binary, share)
    at = lines[0].x
    values = [near(line, at) for line in lines]
    rows = [
        [clock(time), *(show(float(v[i])) if np.isfinite(v[i]) else NONE for v in values)]
        for i, time in enumerate(at.tolist())
    ]
    figures = Figures(["since start", *(line.label for line in lines)], rows, at.tolist())
    if not broad:
        return Chart(title, draw_lines(spec, 430, 200), "", figures)
    return Chart(title, draw_lines(spec, 960, 230, "broad"), draw_lines(spec, 400, 210, "narrow"), figures)


def near(line: Line, at: Floats) -> Floats:
    """A line's values nearest to these times; nan where it has none within two steps."""
    if line.x.size == 0:
        return np.full(at.size, np.nan)
    if line.x.size == at.size and np.allclose(line.x, at):
        return line.y
    place = np.clip(np.searchsorted(line.x, at), 0, line.x.size - 1)
    before = np.maximum(place - 1, 0)
    place = np.where(np.abs(at - line.x[before]) < np.abs(line.x[place] - at), before, place)
    step = float(np.median(np.diff(at))) if at.size > 1 else 1.0
    return np.where(np.abs(line.x[place] - at) <= 2 * step, line.y[place], np.nan)
