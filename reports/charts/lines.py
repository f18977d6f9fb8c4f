"""Lines over time or over rate: the chart that most panels are made of."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from reports.charts.axes import Format, rounded_up, time_axis, value_axis, value_margin_px
from reports.charts.labels import EndLabel, margin_px, write_end_labels
from reports.charts.style import (
    ACCENT,
    BAD,
    CARD,
    CHARACTER_PX,
    FONT_PX,
    GREY,
    INK,
    MUTED,
    as_svg,
    canvas,
    limit_line,
    plot_px,
    text,
)
from results.units import three_digits

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """One line; `x` and `y` of shape (n,). nan breaks it."""

    label: str
    x: Floats
    y: Floats
    color: str = ACCENT
    width: float = 2.0
    opacity: float = 1.0
    dashed: bool = False
    steps: bool = False


@dataclass(frozen=True)
class Mark:
    """A moment on a time axis with a few words."""

    at_s: float
    words: str
    bad: bool = False


@dataclass(frozen=True)
class Hole:
    """A stretch of a time axis in which nothing is known, and why."""

    from_s: float
    to_s: float
    reason: str


@dataclass(frozen=True)
class Story:
    """What belongs behind every chart over time of one run."""

    duration_s: float
    warmup_s: float = 0.0
    marks: list[Mark] = field(default_factory=list)
    holes: list[Hole] = field(default_factory=list)

    def with_holes(self, holes: list[Hole]) -> Story:
        """The same story with the gaps of one tier."""
        return Story(self.duration_s, self.warmup_s, self.marks, holes)


@dataclass(frozen=True)
class LineChart:
    """Lines over time. `limit` is drawn dashed and named; `stacked` lines lie on each other, as areas."""

    label: str
    lines: list[Line]
    story: Story
    show: Format = three_digits
    limit: float | None = None
    limit_label: str = ""
    stacked: bool = False
    binary: bool = False
    share: bool = False
    """Whether values are shares of a whole: the axis then ends at 1."""


def draw_lines(chart: LineChart, width: float = 480, height: float = 210, css_class: str = "") -> str:
    """The chart as an svg element."""
    if chart.stacked:
        chart = replace(chart, lines=_aligned(chart.lines))
    words = [line.label for line in chart.lines] if len(chart.lines) > 1 or chart.stacked else []
    top = _top(chart)
    left = value_margin_px(top, chart.show)
    figure, axes = canvas(width, height, left, margin_px(words, 16), top=20)
    time_axis(axes, chart.story.duration_s, width - left)
    value_axis(axes, top, chart.show, binary=chart.binary)
    tell_story(axes, chart.story)
    ends = _stack(axes, chart.lines) if chart.stacked else _plot(axes, chart.lines)
    if words:
        write_end_labels(axes, ends)
    if chart.limit is not None and chart.limit <= top:
        limit_line(axes, chart.limit, chart.limit_label)
    return as_svg(figure, chart.label, css_class, plot=axes)


def _aligned(lines: list[Line]) -> list[Line]:
    """Lines on common moments, so that they can be added: each is known between its own first and last."""
    moments = np.unique(np.concatenate([line.x for line in lines])) if lines else np.empty(0)
    known = [line for line in lines if line.x.size]
    return [
        replace(line, x=moments, y=np.interp(moments, line.x, line.y, left=np.nan, right=np.nan))
        for line in known
    ]


def _top(chart: LineChart) -> float:
    """The axis ends at a round value, or a little above a limit that nothing exceeds."""
    highest = _highest(chart)
    if chart.share and chart.limit is None and 0.5 < highest <= 1:
        return 1.0
    if chart.limit is not None and highest == chart.limit:
        return highest * 1.18
    return rounded_up(highest * 1.04, binary=chart.binary)


def _highest(chart: LineChart) -> float:
    known = [line.y[np.isfinite(line.y)] for line in chart.lines]
    known = [values for values in known if values.size]
    if chart.stacked and known:
        return float(np.nanmax(np.sum([np.nan_to_num(line.y) for line in chart.lines], axis=0)))
    highest = max((float(values.max()) for values in known), default=0.0)
    return max(highest, chart.limit or 0.0) if (chart.limit or 0) < highest * 4 else highest


def _plot(axes: Axes, lines: list[Line]) -> list[EndLabel]:
    ends = []
    for line in lines:
        axes.plot(
            line.x,
            line.y,
            color=line.color,
            linewidth=line.width,
            alpha=line.opacity,
            linestyle=(0, (4, 2.5)) if line.dashed else "-",
            drawstyle="steps-post" if line.steps else "default",
            clip_on=True,
        )
        known = np.flatnonzero(np.isfinite(line.y))
        if known.size:
            tail = known[-max(1, known.size // 12) :]
            at = min(float(np.median(line.y[tail])), axes.get_ylim()[1])
            ends.append(EndLabel(at, line.label, line.color, line.width > 2))
    return ends


def _stack(axes: Axes, lines: list[Line]) -> list[EndLabel]:
    """Areas on each other, the first at the bottom, each with a thin edge of the paper between them."""
    ends, below = [], np.zeros(lines[0].x.size if lines else 0)
    for line in lines:
        above = below + np.nan_to_num(line.y)
        axes.fill_between(line.x, below, above, color=line.color, alpha=line.opacity, linewidth=0)
        axes.plot(line.x, above, color=CARD, linewidth=0.4)
        tail = max(1, above.size // 12)
        middle = float(np.median((below + above)[-tail:] / 2)) if above.size else 0.0
        ends.append(EndLabel(middle, line.label, line.color))
        below = above
    return ends


def tell_story(axes: Axes, story: Story) -> None:
    """Warm-up shaded, gaps hatched with their reason, events as thin lines with as many names as fit."""
    above = axes.get_xaxis_transform()
    width_px, _ = plot_px(axes)
    per_s = width_px / max(story.duration_s, 1.0)
    free_from = -1e9
    if story.warmup_s > 0:
        axes.axvspan(0, min(story.warmup_s, story.duration_s), color=GREY, alpha=0.16, linewidth=0)
        text(axes, 0, 1.02, "warm-up", color=MUTED, fontsize=10, transform=above, va="bottom")
        free_from = 8 * CHARACTER_PX
    for hole in story.holes:
        hatched = axes.axvspan(hole.from_s, hole.to_s, facecolor="none", edgecolor=MUTED, linewidth=0)
        hatched.set(hatch="////", alpha=0.45)
        free_from = _name(axes, hole.from_s, f"no data: {hole.reason}", per_s, width_px, free_from, MUTED)
    for mark in sorted(story.marks, key=lambda mark: mark.at_s):
        color = BAD if mark.bad else INK
        axes.axvline(mark.at_s, color=color, linewidth=1, alpha=0.55)
        free_from = _name(axes, mark.at_s, mark.words, per_s, width_px, free_from, color)


def _name(
    axes: Axes, at_s: float, words: str, per_s: float, width_px: float, free_from: float, color: str
) -> float:
    """Write a name above the plot if there is room; returns where the next one may start."""
    size = FONT_PX - 2
    length = len(words) * CHARACTER_PX * size / FONT_PX
    start = min(at_s * per_s, width_px - length)
    if start < free_from or length > width_px * 0.8:
        return free_from
    text(
        axes, start / per_s, 1.02, words,
        color=color, fontsize=size, transform=axes.get_xaxis_transform(), va="bottom",
    )  # fmt: skip
    return start + length + 8
