"""How much a candidate differs from its baseline at each percentile, with its interval as a band."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.ticker import MaxNLocator

from analysis.difference import Change
from reports.charts.curves import percentile_ticks
from reports.charts.style import ACCENT, MUTED, as_svg, box_of, canvas, range_of


def draw_change(change: Change, label: str, width: float, height: float, css_class: str = "") -> str:
    """The change in per cent over the percentiles; the line of no change is drawn through."""
    known = np.isfinite(change.change) & np.isfinite(change.low) & np.isfinite(change.high)
    nines = -np.log10(1 - change.q[known])
    middle, low, high = (100 * values[known] for values in (change.change, change.low, change.high))
    figure, axes = canvas(width, height, 58, 16, top=14, bottom=46)
    far = float(nines[-1]) if nines.size else 2.0
    axes.set_xlim(0, max(far, 0.31))
    percentile_ticks(axes, far, width)
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:+.3g}%" if value else "0")
    if nines.size:
        axes.fill_between(nines, low, high, color=ACCENT, alpha=0.18, linewidth=0)
        axes.plot(nines, middle, color=ACCENT, linewidth=2.2)
        reach = max(
            float(np.abs(np.concatenate([middle, np.clip(low, -400, 400), np.clip(high, -400, 400)])).max()),
            2.0,
        )
        axes.set_ylim(
            min(-reach * 0.25, float(low.min()) * 1.1), max(reach * 0.25, min(float(high.max()), 400) * 1.1)
        )
    axes.axhline(0, color=MUTED, linewidth=1.2)
    return as_svg(figure, label, {"box": box_of(axes), "range": range_of(axes)}, css_class)


def nines_of(q: float) -> float:
    """Where a share lies on the axis."""
    return -math.log10(1 - q)
