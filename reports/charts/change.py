"""How much a candidate differs from its baseline at each percentile, with its interval as a band."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.ticker import FixedLocator, NullLocator

from analysis.difference import Change
from reports.charts.curves import percentile_ticks
from reports.charts.style import ACCENT, MUTED, as_svg, canvas

_STEPS: list[tuple[float, ...]] = [
    (1.01, 1.02, 1.03), (1.02, 1.04, 1.06), (1.05, 1.1, 1.15), (1.1, 1.2, 1.3), (1.25, 1.5, 2),
    (1.5, 2, 3, 5), (2, 5, 10, 20, 50, 100),
]  # fmt: skip


def draw_change(change: Change, label: str, width: float, height: float, css_class: str = "") -> str:
    """Candidate over baseline, on a scale of ratios, over the percentiles; no change is a line."""
    known = np.isfinite(change.change) & np.isfinite(change.low) & np.isfinite(change.high)
    nines = -np.log10(1 - change.q[known])
    middle, low, high = (np.maximum(1 + v[known], 0.01) for v in (change.change, change.low, change.high))
    figure, axes = canvas(width, height, 58, 16, top=14, bottom=46)
    far = float(nines[-1]) if nines.size else 2.0
    axes.set_xlim(0, max(far, 0.31))
    percentile_ticks(axes, far, width)
    axes.set_yscale("log")
    if nines.size:
        axes.fill_between(nines, low, high, color=ACCENT, alpha=0.18, linewidth=0)
        axes.plot(nines, middle, color=ACCENT, linewidth=2.2)
    least = min(0.97, float(low.min(initial=1.0)) / 1.03)
    most = max(1.03, float(high.max(initial=1.0)) * 1.03)
    axes.set_ylim(least, most)
    ticks = ratio_ticks(least, most)
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_yticks(ticks, [_ratio(tick) for tick in ticks])
    axes.axhline(1, color=MUTED, linewidth=1.2)
    return as_svg(figure, label, css_class, plot=axes)


def ratio_ticks(least: float, most: float) -> list[float]:
    """Ratios to write at an axis from `least` to `most`: 1, and steps that suit how far it goes."""
    reach = max(most, 1 / least)
    steps = next((steps for steps in _STEPS if reach <= steps[-1] * 1.07), _STEPS[-1])
    ticks = [1.0, *steps, *(1 / step for step in steps)]
    return sorted(tick for tick in ticks if least <= tick <= most)


def _ratio(ratio: float) -> str:
    """`+10%`, `x 2`; below 1 the same backwards: `-9%`, `x 0.5`."""
    if ratio == 1:
        return "same"
    if 0.5 < ratio < 2:
        return f"{(ratio - 1) * 100:+.0f}%".replace("-", "−")
    return f"×{ratio:.2g}"


def nines_of(q: float) -> float:
    """Where a share lies on the axis."""
    return -math.log10(1 - q)
