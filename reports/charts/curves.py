"""Response time against achieved rate, and against percentile."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from analysis.spectrum import RatePoint, Spectrum
from reports.charts.axes import latency_axis, rounded_up, value_axis
from reports.charts.labels import EndLabel, margin_px, write_end_labels
from reports.charts.style import (
    ACCENT,
    BAD,
    CARD,
    CHARACTER_PX,
    INK,
    WARN,
    as_svg,
    canvas,
    limit_line,
    text,
)
from results.units import show_latency, show_rate, three_digits

_FIGURES = (("p50", 1.6, 0.65), ("p95", 2.0, 0.8), ("p99", 2.8, 1.0))


@dataclass(frozen=True)
class RateCurve:
    """One system's curve; of several, only the p99 is drawn for all but the first."""

    points: list[RatePoint]
    name: str = ""
    color: str = ACCENT


@dataclass(frozen=True)
class RateChart:
    """Curves with the limits they are held to.

    `passed` and `failed` are the last level that passed and the first that failed: where it lies on the
    axis, and the rate by which it is named.
    """

    label: str
    curves: list[RateCurve]
    limits_us: list[tuple[float, str]] = field(default_factory=list)
    passed: tuple[float, float] | None = None
    failed: tuple[float, float] | None = None
    only_p99: bool = False
    axis: str = "achieved rate, requests per second"


def draw_rate_curve(chart: RateChart, width: float, height: float, css_class: str = "") -> str:
    """The chart as an svg element. What is far above every limit is cut, as only that it is so matters."""
    top_ms = _top_ms(chart)
    words = [f"p99 {curve.name}".strip() for curve in chart.curves] + ["p95"]
    left = len(show_latency(top_ms * 1e3)) * CHARACTER_PX + 16
    figure, axes = canvas(width, height, left, margin_px(words), top=16, bottom=46)
    rates = [point.rate_per_s for curve in chart.curves for point in curve.points]
    low, high = min(rates, default=0.0), max(rates, default=1.0)
    room = (high - low) * 0.03 or max(high * 0.05, 1.0)
    axes.set_xlim(max(low - room, 0), high + room)
    axes.xaxis.set_major_locator(
        MaxNLocator(max(int(width / 110), 3), min_n_ticks=2, steps=[1, 2, 2.5, 5, 10])
    )
    axes.xaxis.set_major_formatter(lambda value, _: show_rate(value) if value else "0")
    value_axis(axes, top_ms, lambda ms: show_latency(ms * 1e3) if ms else "0")
    axes.set_xlabel(chart.axis, labelpad=5)
    _band(axes, chart)
    ends: list[EndLabel] = []
    for number, curve in enumerate(chart.curves):
        shown = _FIGURES if number == 0 and not chart.only_p99 else _FIGURES[-1:]
        for figure_name, thick, opacity in shown:
            ends += _curve(axes, curve, figure_name, thick, opacity, top_ms)
    for limit_us, limit_text in chart.limits_us:
        if limit_us / 1e3 <= top_ms:
            limit_line(axes, limit_us / 1e3, limit_text)
    write_end_labels(axes, ends)
    _name_levels(axes, chart, top_ms)
    return as_svg(figure, chart.label, css_class, plot=axes)


def _top_ms(chart: RateChart) -> float:
    seen = [point.p99_us / 1e3 for curve in chart.curves for point in curve.points]
    highest = max((value for value in seen if math.isfinite(value)), default=1.0)
    limits = [limit / 1e3 for limit, _ in chart.limits_us]
    near = [limit for limit in limits if limit < highest * 6]
    if not near:
        return rounded_up(highest * 1.05)
    return rounded_up(min(max(highest * 1.05, max(near) * 1.25), max(near) * 2.4))


def _curve(
    axes: Axes, curve: RateCurve, name: str, thick: float, opacity: float, top_ms: float
) -> list[EndLabel]:
    x = np.array([point.rate_per_s for point in curve.points])
    y = np.array([getattr(point, f"{name}_us") / 1e3 for point in curve.points])
    held = np.array([point.held for point in curve.points], dtype=bool)
    if x.size == 0:
        return []
    axes.plot(x, y, color=curve.color, linewidth=thick, alpha=opacity)
    axes.plot(x[~held], y[~held], "o", color=curve.color, markersize=thick + 1.4, alpha=opacity)
    axes.plot(
        x[held], y[held], "o",
        color=curve.color, markersize=thick * 1.4 + 4.2, markeredgecolor=CARD, markeredgewidth=1.5,
    )  # fmt: skip
    shown = y[np.isfinite(y) & (y <= top_ms)]
    last = y[np.isfinite(y)][-1] if np.isfinite(y).any() else math.nan
    at = min(last, top_ms) if shown.size else top_ms
    return [EndLabel(float(at), f"{name} {curve.name}".strip(), curve.color, name == "p99")]


def _band(axes: Axes, chart: RateChart) -> None:
    if chart.passed is not None and chart.failed is not None:
        ends = sorted((chart.passed[0], chart.failed[0]))
        axes.axvspan(ends[0], ends[1], color=WARN, alpha=0.2, linewidth=0)


def _name_levels(axes: Axes, chart: RateChart, top_ms: float) -> None:
    """Name the last level that passed and the first that failed on the curve itself."""
    points = chart.curves[0].points if chart.curves else []
    low, high = axes.get_xlim()
    for named, words, height in ((chart.passed, "last pass", 0.60), (chart.failed, "first fail", 0.78)):
        if named is None or not points:
            continue
        nearest = min(points, key=lambda point: abs(point.rate_per_s - named[0]))
        y = min(nearest.p99_us / 1e3, top_ms) if math.isfinite(nearest.p99_us) else top_ms
        place = (nearest.rate_per_s - low) / (high - low)
        is_left = place > 0.45
        drawn = axes.annotate(
            f"{show_rate(named[1])} {words}",
            (nearest.rate_per_s, y),
            xytext=(place - 0.09 if is_left else place + 0.09, height),
            textcoords="axes fraction",
            ha="right" if is_left else "left",
            va="center",
            color=INK,
            arrowprops={"arrowstyle": "-", "color": INK, "linewidth": 0.9, "shrinkB": 5},
        )
        drawn.set_gid("halo")


@dataclass(frozen=True)
class SpectrumLine:
    """One distribution with its name; dashed for what is shown beside the main figure."""

    name: str
    spectrum: Spectrum
    color: str = ACCENT
    dashed: bool = False

    def at(self, q: float) -> float:
        """The latency in us at a share, or at the last one that is known."""
        place = int(np.searchsorted(self.spectrum.q, q))
        return float(self.spectrum.latency_us[min(place, self.spectrum.q.size - 1)])


def draw_spectrum(
    lines: list[SpectrumLine], limits: list[tuple[float, float, str]], label: str,
    width: float, height: float, css_class: str = "",
) -> str:  # fmt: skip
    """Latency at each percentile, the tail stretched; `limits` are (q, latency in us, words)."""
    shown = [line for line in lines if line.spectrum.q.size]
    figure, axes = canvas(width, height, 58, margin_px([line.name for line in shown]), top=14, bottom=46)
    far = max((float(line.spectrum.nines[-1]) for line in shown), default=3.0)
    axes.set_xlim(0, far)
    percentile_ticks(axes, far, width)
    all_us = [line.spectrum.latency_us for line in shown]
    low = min((float(values.min()) for values in all_us), default=1e3)
    high = max((float(values.max()) for values in all_us), default=1e4)
    latency_axis(axes, max(low * 0.8, 1.0), max(high * 1.25, low * 4, 4.0))
    ends = []
    for line in shown:
        axes.plot(
            line.spectrum.nines, line.spectrum.latency_us,
            color=line.color, linestyle=(0, (4, 2.5)) if line.dashed else "-",
            linewidth=1.6 if line.dashed else 2.4,
        )  # fmt: skip
        ends.append(EndLabel(float(line.spectrum.latency_us[-1]), line.name, line.color, not line.dashed))
    for q, limit_us, words in limits:
        x = -math.log10(1 - q) if q < 1 else far
        if x <= far:
            below = bool(shown) and shown[0].at(q) > limit_us
            axes.plot([x], [limit_us], marker="_", markersize=16, color=BAD, markeredgewidth=2.5)
            text(
                axes, x, limit_us / 1.12 if below else limit_us * 1.12, words,
                color=BAD, ha="center", va="top" if below else "bottom", fontsize=11,
            )  # fmt: skip
    write_end_labels(axes, ends)
    return as_svg(figure, label, css_class, plot=axes)


def percentile_ticks(axes: Axes, far: float, width: float) -> None:
    """The usual percentiles on an axis of nines, as many as there is room for."""
    ticks = [(0.0, "0"), (-math.log10(0.5), "50"), *((float(n), _nines(n)) for n in range(1, int(far) + 1))]
    if far < 1.5 * width / 300:
        ticks.append((-math.log10(0.25), "75"))
    axes.set_xticks([tick for tick, _ in ticks], [words for _, words in ticks])
    axes.set_xlabel("percentile", labelpad=5)


def _nines(count: int) -> str:
    return three_digits(100 - 100 * 10.0**-count) if count < 3 else f"99.{'9' * (count - 2)}"
