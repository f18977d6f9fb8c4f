"""Latency over time as a heat map, with its median and p99 as lines on it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analysis.masks import stretches_of
from analysis.timeline import HeatMap, Timeline
from reports.charts.axes import latency_axis, time_axis
from reports.charts.labels import EndLabel, write_end_labels
from reports.charts.lines import Story, tell_story
from reports.charts.style import INK, as_svg, canvas

Floats = npt.NDArray[np.float64]

_SHADES = ((0.0, 0.10), (0.03, 0.2), (0.1, 0.34), (0.25, 0.52), (0.5, 0.74))
"""Cells from this share of the fullest one on get this opacity. A few steps keep the drawing small."""


def draw_heat(
    timeline: Timeline, heat: HeatMap, story: Story, limits_us: list[tuple[float, str]], label: str,
    width: float, height: float, css_class: str = "",
) -> str:  # fmt: skip
    """The heat map of `analysis.timeline.heat_map`; its windows may be coarser than the timeline's."""
    left, right = 56, 44
    figure, axes = canvas(width, height, left, right, top=20)
    high = max([heat.edges_us[-1], *(limit * 1.15 for limit, _ in limits_us)])
    low, high = _at_least_a_decade(float(heat.edges_us[0]), float(high))
    time_axis(axes, story.duration_s, width - left - right)
    latency_axis(axes, low, high)
    axes.grid(True, axis="y", alpha=0.7)
    tell_story(axes, story)
    ends = []
    for q, thick in ((0.5, 1.4), (0.99, 2.0)):
        values = timeline.quantile_us(q)
        axes.plot(timeline.mid_s, values, color=INK, linewidth=thick, alpha=0.9)
        known = values[np.isfinite(values)]
        if known.size:
            last = float(np.median(known[-max(1, known.size // 12) :]))
            ends.append(EndLabel(last, f"p{q * 100:.0f}", INK, thick > 1.5))
    write_end_labels(axes, ends)
    svg = as_svg(figure, label, css_class, plot=axes)
    return _behind(svg, _cells(heat, timeline, axes, width, height, low, high))


def _at_least_a_decade(low: float, high: float) -> tuple[float, float]:
    low, high = low * 0.9, high * 1.1
    if high / low >= 10:
        return low, high
    middle = (low * high) ** 0.5
    return middle / 10**0.5, middle * 10**0.5


def _behind(svg: str, cells: str) -> str:
    """Put the cells before everything that matplotlib drew."""
    start = svg.index(">") + 1
    return svg[:start] + cells + svg[start:]


def _cells(
    heat: HeatMap, timeline: Timeline, axes: object, width: float, height: float, low: float, high: float
) -> str:
    """One path for each shade: as elements of their own, ten thousand cells would weigh a megabyte."""
    place = axes.get_position()  # type: ignore[attr-defined]
    x0, plot_width = place.x0 * width, place.width * width
    y1, plot_height = (1 - place.y0) * height, place.height * height
    step = -(-timeline.from_s.size // heat.share.shape[1])
    starts = np.append(timeline.from_s[::step], timeline.to_s[-1])
    xs = x0 + starts / max(float(timeline.to_s[-1]), 1.0) * plot_width
    ys = y1 - np.log(heat.edges_us / low) / np.log(high / low) * plot_height
    shade = np.searchsorted([least for least, _ in _SHADES], heat.share, side="right")
    shade = np.where(heat.share > 0, shade, 0)
    tall = plot_height * np.log(heat.edges_us[1] / heat.edges_us[0]) / np.log(high / low)
    middles = (ys[:-1] + ys[1:]) / 2
    paths = [
        f'<path fill="none" stroke="var(--accent)" stroke-width="{tall:.2f}" stroke-opacity="{opacity}"'
        f' d="{_runs(shade == number, xs, middles)}"/>'
        for number, (_, opacity) in enumerate(_SHADES, start=1)
    ]
    return f'<g class="cells">{"".join(paths)}</g>'


def _runs(cells: npt.NDArray[np.bool_], xs: Floats, ys: Floats) -> str:
    """Neighbouring cells of a row as one stroke: the shortest path data that draws them."""
    pieces = []
    for y, line in zip(ys, cells, strict=True):
        pieces += [f"M{xs[begin]:.1f} {y:.1f}h{xs[end] - xs[begin]:.1f}" for begin, end in stretches_of(line)]
    return "".join(pieces)
