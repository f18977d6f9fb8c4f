"""When things were in a state: a row for each, bars over time."""

from __future__ import annotations

from dataclasses import dataclass, field

from reports.charts.axes import time_axis
from reports.charts.labels import shortened
from reports.charts.lines import Story, tell_story
from reports.charts.style import ACCENT, BAD, CHARACTER_PX, INK, as_svg, canvas

_ROW_PX = 24
_COLORS = {"bad": (BAD, 0.9), "pending": (BAD, 0.25), "missed": (INK, 0.55), "": (ACCENT, 0.8)}


@dataclass(frozen=True)
class StateRow:
    """A name and its stretches: (from, to) in seconds and `bad`, `pending`, `missed` or nothing."""

    name: str
    stretches: list[tuple[float, float, str]] = field(default_factory=list)


def draw_states(rows: list[StateRow], story: Story, label: str, width: float, css_class: str = "") -> str:
    """The chart as an svg element; its height follows from the number of rows."""
    most = int(width * 0.42 / CHARACTER_PX)
    names = shortened([row.name for row in rows], most)
    left = max((len(name) for name in names), default=0) * CHARACTER_PX + 20
    figure, axes = canvas(width, len(rows) * _ROW_PX + 50, left, 16, top=20)
    time_axis(axes, story.duration_s, width - left)
    axes.set_ylim(len(rows), 0)
    tell_story(axes, story)
    for place, row in enumerate(rows):
        for from_s, to_s, state in row.stretches:
            color, opacity = _COLORS[state]
            wide = max(to_s - from_s, story.duration_s / 400)
            bar = ([(from_s, wide)], (place + 0.24, 0.52))
            axes.broken_barh(*bar, facecolor=color, alpha=opacity, linewidth=0)
    axes.set_yticks([place + 0.5 for place in range(len(rows))], names)
    axes.set_yticks(range(len(rows) + 1), minor=True)
    axes.grid(False)
    axes.grid(True, axis="y", which="minor")
    return as_svg(figure, label, css_class)
