"""Names written where a line ends, moved apart where they would touch."""

from __future__ import annotations

import math
from dataclasses import dataclass

from matplotlib.axes import Axes

from reports.charts.style import CHARACTER_PX, FONT_PX, plot_px

LINE_PX = FONT_PX + 2.5


@dataclass(frozen=True)
class EndLabel:
    """A name for the right edge of a plot, at a value of its y axis."""

    y: float
    words: str
    color: str
    bold: bool = False


def shortened(names: list[str], most: int) -> list[str]:
    """Names cut to `most` characters at their ends; in the middle where that would make two of them alike."""
    cut = [name if len(name) <= most else name[: most - 1] + "…" for name in names]
    tail = most * 2 // 3
    return [
        each if cut.count(each) == 1 or each == name else f"{name[: most - tail - 1]}…{name[-tail:]}"
        for name, each in zip(names, cut, strict=True)
    ]


def margin_px(words: list[str], least: float = 10) -> float:
    """Room to the right of a plot for these names."""
    return max([least] + [len(text) * CHARACTER_PX + 14 for text in words])


def write_end_labels(axes: Axes, labels: list[EndLabel]) -> None:
    """Write each name beside its value, in the order of the values, none over another."""
    finite = [label for label in labels if math.isfinite(label.y)]
    if not finite:
        return
    _, height_px = plot_px(axes)
    to_px = axes.transData.transform
    base = axes.transAxes.transform((0, 0))[1]
    wanted = [(float(to_px((0, label.y))[1] - base), label) for label in finite]
    wanted.sort(key=lambda pair: pair[0])
    places = spread([place for place, _ in wanted], LINE_PX, 2, height_px - 2)
    for place, (_, label) in zip(places, wanted, strict=True):
        axes.annotate(
            label.words,
            (1, place / height_px),
            xycoords="axes fraction",
            xytext=(7, 0),
            textcoords="offset points",
            va="center_baseline",
            color=label.color,
            fontweight="bold" if label.bold else "normal",
            annotation_clip=False,
        )


def spread(places: list[float], apart: float, low: float, high: float) -> list[float]:
    """Ascending places moved to be at least `apart` from each other, within low and high if possible."""
    moved: list[float] = []
    for place in places:
        moved.append(max(place, low, moved[-1] + apart if moved else low))
    limit = high
    for index in reversed(range(len(moved))):
        moved[index] = min(moved[index], limit)
        limit = moved[index] - apart
    return moved
