"""Ticks that people read at a glance: clock times, latencies, and numbers with their unit."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes

from reports.charts.style import CHARACTER_PX
from results.units import show_latency, three_digits

Format = Callable[[float], str]

_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400)


def clock(seconds: float) -> str:
    """The second since load began in which something was: `0:45`, `12:30`, `3:00:00`."""
    minutes, second = divmod(math.floor(seconds + 1e-6), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"


def time_axis(axes: Axes, duration_s: float, width_px: float) -> None:
    """Seconds from 0 to the end of the run, with as many round ticks as there is room for."""
    duration_s = max(duration_s, 1.0)
    axes.set_xlim(0, duration_s)
    wanted = max(width_px / 80, 2)
    step = next((step for step in _STEPS_S if duration_s / step <= wanted), 86_400)
    ticks = np.arange(0, duration_s + step * 1e-6, step)
    axes.set_xticks(ticks, [clock(tick) for tick in ticks])


def latency_axis(axes: Axes, low_us: float, high_us: float) -> None:
    """A logarithmic axis of latencies with round ticks; more of them where few decades are shown."""
    axes.set_yscale("log")
    axes.set_ylim(low_us, high_us)
    decades = range(math.floor(math.log10(low_us)), math.ceil(math.log10(high_us)) + 1)
    wide = math.log10(high_us / low_us) > 2.2
    ticks = [m * 10.0**d for d in decades for m in ((1,) if wide else (1, 2, 5))]
    inside = [tick for tick in ticks if low_us * 0.999 <= tick <= high_us * 1.001]
    axes.set_yticks(inside, [show_latency(tick) for tick in inside])
    axes.minorticks_off()


def value_axis(
    axes: Axes, top: float, show: Format = three_digits, ticks: int = 4, *, binary: bool = False
) -> None:
    """A linear axis from 0 with about `ticks` round values; for bytes, round in powers of two."""
    top = top if math.isfinite(top) and top > 0 else 1.0
    step = _round_step(top / ticks, binary)
    values = np.arange(0, top * 1.0001, step)
    axes.set_ylim(0, top)
    axes.set_yticks(values, [show(float(value)) if value else "0" for value in values])


def value_margin_px(top: float, show: Format = three_digits) -> float:
    """Room to the left of a linear axis for its longest label."""
    return max(len(show(top * share)) for share in (1, 0.75, 0.5, 0.25)) * CHARACTER_PX + 12


def _round_step(least: float, binary: bool) -> float:
    if binary:
        return float(2.0 ** math.ceil(math.log2(least) - 1e-9))
    magnitude = 10.0 ** math.floor(math.log10(least))
    return next(m * magnitude for m in (1, 2, 2.5, 5, 10) if m * magnitude >= least * 0.999)


def rounded_up(value: float, ticks: int = 4, *, binary: bool = False) -> float:
    """The end of an axis that a value fits under: a multiple of a round step."""
    if not math.isfinite(value) or value <= 0:
        return 1.0
    step = _round_step(value / ticks, binary)
    return step * math.ceil(value / step - 1e-9)
