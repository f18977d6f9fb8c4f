"""PromQL's functions over a range, for one series at every moment at once.

A range holds the samples of (t - range, t], as in Prometheus 3. `rate` and `increase` count a counter that
shrank as begun again at zero, and extrapolate to the ends of the range as Prometheus does.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analysis.alerts.vector import Bools, Floats

Ints = npt.NDArray[np.int64]


def over_range(
    name: str, at_s: Floats, values: Floats, moments_s: Floats, range_s: float
) -> tuple[Floats, Bools]:
    """A function's values at each moment, and where it has one."""
    first = np.searchsorted(at_s, moments_s - range_s, side="right")
    end = np.searchsorted(at_s, moments_s, side="right")
    size = end - first
    here = size >= (2 if name in ("rate", "increase", "delta", "irate", "idelta") else 1)
    found = np.full(moments_s.size, np.nan)
    if not here.any():
        return found, here
    first, end, moments_s = first[here], end[here], moments_s[here]
    if name in ("rate", "increase", "delta"):
        found[here] = _grown(name, at_s, values, (first, end), moments_s, range_s)
    elif name in ("irate", "idelta"):
        found[here] = _last_step(name, at_s, values, end)
    else:
        found[here] = _folded(name, values, first, end)
    return found, here


def _grown(
    name: str, at_s: Floats, values: Floats, span: tuple[Ints, Ints], moments_s: Floats, range_s: float
) -> Floats:
    """Prometheus's extrapolatedRate."""
    first, last = span[0], span[1] - 1
    is_counter = name != "delta"
    whole = values + _resets(values) if is_counter else values
    grown = whole[last] - whole[first]
    sampled_s = at_s[last] - at_s[first]
    mean_step_s = sampled_s / (last - first)
    to_start_s = at_s[first] - (moments_s - range_s)
    to_end_s = moments_s - at_s[last]
    far = mean_step_s * 1.1
    to_start_s = np.where(to_start_s >= far, mean_step_s / 2, to_start_s)
    if is_counter:  # it cannot have begun below zero
        with np.errstate(divide="ignore", invalid="ignore"):
            to_zero_s = np.where(
                (grown > 0) & (values[first] >= 0), sampled_s * values[first] / grown, np.inf
            )
        to_start_s = np.minimum(to_start_s, to_zero_s)
    to_end_s = np.where(to_end_s >= far, mean_step_s / 2, to_end_s)
    grown = grown * (sampled_s + to_start_s + to_end_s) / sampled_s
    return np.asarray(grown / range_s if name == "rate" else grown)


def _resets(values: Floats) -> Floats:
    """What a counter had reached before each time that it began again, added up."""
    lost = np.where(np.diff(values) < 0, values[:-1], 0.0)
    return np.concatenate([[0.0], np.cumsum(lost)])


def _last_step(name: str, at_s: Floats, values: Floats, end: Ints) -> Floats:
    step = values[end - 1] - values[end - 2]
    if name == "idelta":
        return np.asarray(step)
    step = np.where(step < 0, values[end - 1], step)
    return np.asarray(step / (at_s[end - 1] - at_s[end - 2]))


def _folded(name: str, values: Floats, first: Ints, end: Ints) -> Floats:
    size = (end - first).astype(np.float64)
    if name == "count_over_time":
        return size
    if name == "last_over_time":
        return np.asarray(values[end - 1])
    if name in ("min_over_time", "max_over_time"):
        fold = np.minimum if name == "min_over_time" else np.maximum
        padded = np.append(values, values[-1])  # so that an end may be the array's own
        return np.asarray(fold.reduceat(padded, np.column_stack([first, end]).ravel())[::2])
    if name in ("changes", "resets"):
        steps = np.diff(values)
        counted = np.concatenate([[0.0], np.cumsum(steps != 0 if name == "changes" else steps < 0)])
        return np.asarray(counted[end - 1] - counted[first])
    sums = np.concatenate([[0.0], np.cumsum(values)])
    total = sums[end] - sums[first]
    return np.asarray(total / size if name == "avg_over_time" else total)
