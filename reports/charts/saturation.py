"""How full each part was at each level (or in each run): a heat map that keeps quiet cells quiet."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from reports.charts.labels import shortened
from reports.charts.style import ACCENT, BAD, CHARACTER_PX, INK, MUTED, ON_BAD, as_svg, canvas

Floats = npt.NDArray[np.float64]

WRITTEN = 0.6
"""From this share on the number is written into its cell; the last column's always are."""
FULL = 0.95
_ROW_PX = 25


@dataclass(frozen=True)
class SaturationMap:
    """Shares of what each part can give, shape (rows, columns), nan where not known.

    `first` is the row that gave way first, set in bold.
    """

    label: str
    rows: list[str]
    columns: list[str]
    share: Floats
    axis: str = ""
    first: int | None = None
    all_written: bool = False
    """Write the number into every cell, not only where it matters."""
    marked: npt.NDArray[np.bool_] | None = None
    """Cells with a dot in the corner, shape as `share`."""


def draw_saturation(chart: SaturationMap, width: float, css_class: str = "") -> str:
    """The heat map as an svg element; its height follows from the number of rows."""
    rows, columns = chart.share.shape
    left = min(max((len(name) for name in chart.rows), default=0) * CHARACTER_PX + 14, width * 0.42)
    bottom = 46 if chart.axis else 28
    height = rows * _ROW_PX + bottom + 6
    figure, axes = canvas(width, height, left, 8, top=6, bottom=bottom)
    axes.set_xlim(0, columns)
    axes.set_ylim(rows, 0)
    axes.grid(False)
    axes.spines["bottom"].set_visible(False)
    cell_px = (width - left - 8) / max(columns, 1)
    for row in range(rows):
        for column in range(columns):
            _cell(
                axes,
                row,
                column,
                float(chart.share[row, column]),
                cell_px,
                told=chart.all_written or column == columns - 1,
                marked=chart.marked is not None and bool(chart.marked[row, column]),
            )
    step = max(math.ceil(max((len(name) for name in chart.columns), default=1) * CHARACTER_PX / cell_px), 1)
    shown = [number for number in range(columns) if (columns - 1 - number) % step == 0]
    axes.set_xticks([number + 0.5 for number in shown], [chart.columns[number] for number in shown])
    axes.tick_params(axis="x", length=0)
    most = round((left - 14) / CHARACTER_PX)
    axes.set_yticks([row + 0.5 for row in range(rows)], shortened(list(chart.rows), most))
    for row, named in enumerate(axes.get_yticklabels()):
        if row == chart.first:
            named.set(fontweight="bold", color=INK)
    if chart.axis:
        axes.set_xlabel(chart.axis, labelpad=5)
    return as_svg(figure, chart.label, css_class)


def _cell(
    axes: Axes, row: int, column: int, share: float, cell_px: float, *, told: bool, marked: bool
) -> None:
    known = math.isfinite(share)
    is_full = known and share >= FULL
    opacity = 0.035 + 0.78 * min(max(share, 0.0), 1.0) ** 2 if known else 0.0
    gap_x, gap_y = 1.5 / cell_px, 1.5 / _ROW_PX
    place = (column + gap_x / 2, row + gap_y / 2)
    patch = Rectangle(place, 1 - gap_x, 1 - gap_y, linewidth=0)
    if known:
        patch.set(facecolor=BAD if is_full else ACCENT, alpha=0.92 if is_full else opacity)
    else:
        patch.set(facecolor="none", edgecolor=MUTED, hatch="////", alpha=0.3)
    axes.add_patch(patch)
    if known and cell_px >= 24 and (share >= WRITTEN or told):
        color = ON_BAD if is_full else INK
        axes.text(
            column + 0.5, row + 0.53, f"{share * 100:.0f}",
            color=color, fontsize=11, ha="center", va="center",
        )  # fmt: skip
    if marked:
        corner = (column + 1 - 5 / cell_px, row + 5 / _ROW_PX)
        axes.plot(*corner, "o", color=ON_BAD if is_full else INK, markersize=3, markeredgewidth=0)
