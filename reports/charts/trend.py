"""A figure over many runs: a dot each, the levels they lie on, and where a level changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from reports.charts.axes import Format, rounded_up, value_axis, value_margin_px
from reports.charts.style import ACCENT, BAD, CHARACTER_PX, GREY, INK, MUTED, as_svg, canvas

Floats = npt.NDArray[np.float64]

_LEAST_TOP = 0.01
"""Of an axis whose values are all 0, such as error shares."""
CUT = 3.0
"""Values beyond so many times the highest level are drawn at the upper edge."""


@dataclass(frozen=True)
class Turn:
    """Where a level changed: the first run of the new one, and the change in words."""

    index: int
    words: str
    worse: bool = False


@dataclass(frozen=True)
class Trend:
    """Values by run, oldest first, of shape (n,), with the day of each; levels are (first, end, median)."""

    label: str
    values: Floats
    days: Sequence[str]
    levels: Sequence[tuple[int, int, float]]
    show: Format
    turns: Sequence[Turn] = field(default_factory=list)


def draw_trend(trend: Trend, width: float, height: float, css_class: str = "") -> str:
    """The chart as an svg element; runs stand at equal distances, whatever the time between them."""
    size = trend.values.size
    highest = max((median for _, _, median in trend.levels), default=1.0) or _LEAST_TOP
    top = rounded_up(min(float(np.max(trend.values, initial=highest)), CUT * highest) * 1.05)
    left = value_margin_px(top, trend.show)
    figure, axes = canvas(width, height, left, 14, top=34 if any(turn.words for turn in trend.turns) else 14)
    axes.set_xlim(-0.5, size - 0.5)
    value_axis(axes, top, trend.show)
    _days(axes.set_xticks, trend.days, width - left)
    inside = trend.values <= top
    at = np.arange(size)
    dot = float(np.clip(240 / max(size, 1), 2.2, 5.5))
    axes.plot(
        at[inside], trend.values[inside], "o", color=ACCENT, markersize=dot, markeredgewidth=0, alpha=0.55
    )
    axes.plot(at[~inside], np.full((~inside).sum(), top), "^", color=GREY, markersize=dot + 1, clip_on=False)
    for first, end, median in trend.levels:
        axes.plot([first - 0.5, end - 0.5], [median, median], color=INK, linewidth=2.2, solid_capstyle="butt")
    last_px = -1e9
    for turn in trend.turns:
        color = BAD if turn.worse else MUTED
        axes.axvline(turn.index - 0.5, color=color, linewidth=1.2, linestyle=(0, (4, 3)))
        at_px = turn.index / max(size, 1) * (width - left)
        if at_px - last_px > len(turn.words) * CHARACTER_PX:
            last_px = at_px
            ends = at_px > (width - left) * 0.8
            axes.annotate(
                turn.words, (turn.index - 0.5, 1), xycoords=("data", "axes fraction"), xytext=(0, 6),
                textcoords="offset points", color=color, ha="right" if ends else "center",
                annotation_clip=False,
            )  # fmt: skip
    return as_svg(figure, trend.label, css_class, plot=axes)


def _days(set_ticks: object, days: Sequence[str], width_px: float) -> None:
    """As many days at the axis as there is room for, none twice."""
    wanted = max(int(width_px / 90), 2)
    step = max(-(-len(days) // wanted), 1)
    shown: list[int] = []
    for index in range(0, len(days), step):
        if not shown or days[shown[-1]] != days[index]:
            shown.append(index)
    set_ticks(shown, [days[index] for index in shown])  # type: ignore[operator]
