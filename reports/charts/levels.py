"""Charts over the levels of a capacity search: where the time went, and how the system scales."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from analysis.scalability import SHOWN_TO, Usl
from reports.charts.axes import rounded_up, value_axis
from reports.charts.labels import EndLabel, margin_px, write_end_labels
from reports.charts.style import (
    ACCENT,
    BAD,
    CARD,
    CHARACTER_PX,
    INK,
    MUTED,
    as_svg,
    canvas,
    text,
)
from results.units import show_latency, show_rate

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Part:
    """One layer of the stack: milliseconds by level, shape (levels,)."""

    name: str
    ms: Floats
    color: str


def draw_parts(
    parts: list[Part], rates: list[float], label: str, width: float, height: float, css_class: str = ""
) -> str:
    """Stacked bars, one for each level."""
    total = np.sum([np.nan_to_num(part.ms) for part in parts], axis=0) if parts else np.zeros(1)
    top = rounded_up(float(total.max()) * 1.04)
    names = [part.name for part in parts]
    figure, axes = canvas(
        width, height, len(show_latency(top * 1e3)) * CHARACTER_PX + 12, margin_px(names), bottom=46
    )
    axes.set_xlim(-0.6, len(rates) - 0.4)
    value_axis(axes, top, lambda ms: show_latency(ms * 1e3))
    below = np.zeros(len(rates))
    ends = []
    for part in parts:
        ms = np.nan_to_num(part.ms)
        axes.bar(range(len(rates)), ms, 0.78, below, color=part.color, edgecolor=CARD, linewidth=0.8)
        ends.append(EndLabel(float(below[-1] + ms[-1] / 2), part.name, part.color, part is _grown(parts)))
        below = below + ms
    _level_ticks(axes, rates, width)
    axes.set_xlabel("offered rate, arrivals per second", labelpad=5)
    write_end_labels(axes, ends)
    return as_svg(figure, label, css_class, plot=axes)


def _grown(parts: list[Part]) -> Part | None:
    """The part that grew most from the first level to the last."""
    return max(
        parts, key=lambda part: float(np.nan_to_num(part.ms)[-1] - np.nan_to_num(part.ms)[0]), default=None
    )


def _level_ticks(axes: Axes, rates: list[float], width: float) -> None:
    names = [f"{rate:.3g}" if rate < 1000 else f"{rate:,.0f}" for rate in rates]
    room = width * 0.8 / max(len(rates), 1)
    step = max(math.ceil(max(len(name) for name in names) * (CHARACTER_PX + 2) / room), 1)
    shown = [number for number in range(len(rates)) if (len(rates) - 1 - number) % step == 0]
    axes.set_xticks(shown, [names[number] for number in shown])


@dataclass(frozen=True)
class ScalingChart:
    """Levels, shape (n,), with the fitted law and the bounds of operational analysis.

    `bound` is the tightest resource and its most per second; `unloaded_s` the response time without load:
    throughput is at most load / unloaded_s.
    """

    label: str
    usl: Usl
    load: Floats
    rate_per_s: Floats
    bound: tuple[str, float] | None = None
    unloaded_s: float = 0.0


def draw_scalability(chart: ScalingChart, width: float, height: float, css_class: str = "") -> str:
    """Throughput over requests in the system: levels, law, band and bounds; hatched where not tested."""
    usl = chart.usl
    tested, far = usl.tested_to, usl.tested_to * SHOWN_TO
    grid = np.linspace(0, far, 160)
    low, high = usl.band(grid)
    line = usl.throughput_per_s(grid)
    tops = [float(np.nanmax(line)) * 1.25, float(chart.rate_per_s.max())]
    bound = chart.bound if chart.bound and chart.bound[1] < 1.5 * max(tops) else None
    top = rounded_up(max(*tops, bound[1] if bound else 0.0) * 1.02)
    names = ["fit", *([f"bound: {bound[0]}"] if bound else [])]
    # A long name stands in the plot, where a phone has no margin for it.
    beside = names if width > 600 else ["bound"]
    figure, axes = canvas(width, height, len(show_rate(top)) * CHARACTER_PX + 14, margin_px(beside), 20, 46)
    axes.set_xlim(0, far)
    value_axis(axes, top, show_rate)
    axes.set_xlabel("requests in the system", labelpad=5)
    inside = grid <= tested
    axes.fill_between(
        grid[inside], low[inside], np.minimum(high[inside], top), color=ACCENT, alpha=0.2, linewidth=0
    )
    beyond = ~inside
    hatched = axes.fill_between(
        grid[beyond], low[beyond], np.minimum(high[beyond], top), facecolor="none", edgecolor=ACCENT,
        linewidth=0,
    )  # fmt: skip
    hatched.set(hatch="////", alpha=0.4)
    ends = [EndLabel(float(line[-1]), "fit", ACCENT, True)]
    if bound:
        axes.axhline(bound[1], color=BAD, linewidth=1.2, linestyle=(0, (5, 3)))
        ends.append(EndLabel(bound[1], names[1] if width > 600 else "bound", BAD))
    if chart.unloaded_s > 0:
        most = np.minimum(grid / chart.unloaded_s, bound[1] if bound else top)
        rising = grid / chart.unloaded_s <= most + 1e-9
        axes.plot(grid[rising], most[rising], color=BAD, linewidth=1.2, linestyle=(0, (5, 3)))
    axes.plot(grid[inside], line[inside], color=ACCENT, linewidth=2.4)
    axes.plot(grid[beyond], line[beyond], color=ACCENT, linewidth=1.6, linestyle=(0, (4, 2.5)))
    axes.plot(
        chart.load, chart.rate_per_s, "o", color=INK, markersize=6, markeredgecolor=CARD, markeredgewidth=1.2
    )
    axes.axvline(tested, color=MUTED, linewidth=1, linestyle=(0, (2, 2)))
    text(
        axes, tested, 1.02, "tested up to here", color=MUTED, fontsize=10, ha="right", va="bottom",
        transform=axes.get_xaxis_transform(),
    )  # fmt: skip
    text(axes, tested + far * 0.01, top * 0.04, "not tested", color=MUTED, fontsize=10)
    write_end_labels(axes, ends)
    return as_svg(figure, chart.label, css_class, plot=axes)
