"""What all levels together say about the highest rate: a Bayesian log-linear fit on a grid.

Near the limit, ln(share over the SLO) is close to linear in ln(rate), with a slope of about rate x SLO for
exponential service (M/M/c: P(T > t) ~ C exp(-(c mu - rate) t)) and twice that for fixed service. A
level's share differs from the line for three reasons, each with a place in the model:
- slow requests come in clusters (busy periods), so counts are over-dispersed: quasi-Poisson, the factor
  measured from the windows of all levels;
- the system is not the same from one trial to the next: a disturbance of ln(rate), size unknown;
- the line is only straight nearby: the further a level from the limit, the less it says.
A level deep in overload only says that it lies beyond: its share depends on how long it lasted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from analysis.slo import allowed
from results import Slo

Floats = npt.NDArray[np.float64]

DISTURBANCES = np.array([0.004, 0.016, 0.04])
"""Possible sizes of a trial's disturbance, as standard deviations of ln(rate)."""
DISTURBANCE_ODDS = np.array([0.45, 0.45, 0.1])
"""How likely each is before anything was seen."""
BASES = np.array([0.0, 0.3, 0.6, 0.85])
"""Shares over the limit that are there at any load, relative to the share allowed."""
BASE_ODDS = np.array([0.7, 0.1, 0.1, 0.1])
MISFIT = 0.2
"""How far the line is off at a distance, as a share of the distance."""
OUTLIER = 0.01
"""The share of levels that something unrelated spoils."""
OVERLOAD = 3.0
"""Beyond this distance above the allowed share, on the line's scale, a level only counts as 'beyond'."""
CALM = -1.4
"""Beyond this distance below it (a quarter), a level only counts as 'below': far away no line is straight."""
SLOPE = 1.2
"""A latency's likeliest slope, in units of rate x limit: 1 for exponential service, 2 for fixed.

It is less where the limit is mostly service time, with many slots."""
SLOPE_STEPS = np.linspace(-1.7, 1.7, 5)
"""Slopes considered, in standard deviations of ln(slope) around the prior's middle."""


@dataclass(frozen=True)
class Observation:
    """One level and one objective: `over` of `n` requests at a rate, slow ones in clusters of `cluster`."""

    rate_per_s: float
    n: float
    over: float
    cluster: float


@dataclass(frozen=True)
class Estimate:
    """The highest rate within an objective: posterior median and interval, and the line's slope there."""

    rate_per_s: float
    low_per_s: float
    high_per_s: float
    slope: float
    disturbance: float

    @property
    def spread(self) -> float:
        """Half the interval's width on the logarithmic scale."""
        return float(np.log(self.high_per_s / self.low_per_s)) / 2


def estimate(
    observations: Sequence[Observation], slo: Slo, low_per_s: float, high_per_s: float, level: float = 0.9
) -> Estimate:
    """The posterior for the highest rate in [low, high], with an interval of a given probability."""
    coarse = np.linspace(np.log(low_per_s), np.log(high_per_s), 41)
    weight = _posterior(observations, slo, coarse).sum(axis=(1, 2, 3))
    inside = coarse[weight > weight.max() * 1e-4]
    step = coarse[1] - coarse[0]
    fine = np.linspace(max(inside[0] - step, coarse[0]), min(inside[-1] + step, coarse[-1]), 61)
    joint = _posterior(observations, slo, fine)
    joint /= joint.sum()
    share = np.cumsum(joint.sum(axis=(1, 2, 3)))
    bottom, middle, top = np.exp(np.interp([(1 - level) / 2, 0.5, (1 + level) / 2], share, fine))
    return Estimate(
        rate_per_s=float(middle),
        low_per_s=float(bottom),
        high_per_s=float(top),
        slope=float(np.exp(joint.sum(axis=(0, 2, 3)) @ np.log(_slopes(slo, middle)))),
        disturbance=float(joint.sum(axis=(0, 1, 3)) @ DISTURBANCES),
    )


def scale(share: float, slo: Slo) -> float:
    """The scale on which the line is straight: logit for shares, ln for a mean's ratio to its limit."""
    if slo.metric == "mean":
        return math.log(share)
    return math.log(share / (1 - min(share, 1 - 1e-9)))


def _slopes(slo: Slo, rate_per_s: float | Floats) -> Floats:
    """The slopes considered at a rate, shape (..., 5): around SLOPE x rate x limit for a latency."""
    rate = np.asarray(rate_per_s, dtype=np.float64)
    latency = slo.metric == "latency"
    middle = np.clip(SLOPE * rate * slo.limit / 1e6, 6, 300) if latency else np.full_like(rate, 15)
    return np.asarray(middle[..., None] * np.exp(SLOPE_STEPS * (0.6 if latency else 1.2)))


def _posterior(observations: Sequence[Observation], slo: Slo, ln_rates: Floats) -> Floats:
    """Weights on the grid (limit, slope, disturbance, base), the largest is 1."""
    slope = _slopes(slo, np.exp(ln_rates))[:, :, None, None]
    log_weight = np.log(BASE_ODDS) - SLOPE_STEPS[None, :, None, None] ** 2 / 2
    log_weight = log_weight + np.log(DISTURBANCE_ODDS)[:, None] + np.zeros((ln_rates.size, 1, 1, 1))
    for seen in observations:
        distance = (np.log(seen.rate_per_s) - ln_rates)[:, None, None, None]
        spread = slope * np.sqrt(DISTURBANCES[:, None] ** 2 + (MISFIT * distance) ** 2)
        # share / allowed = base + (1 - base) exp(slope x distance); the line's spread by the delta method.
        line = (1 - BASES) * np.exp(np.clip(slope * distance, -60.0, 50.0))
        middle = np.log(BASES + line)
        log_weight = log_weight + np.log(_likelihood(seen, slo, middle, spread * line / (BASES + line)))
    return np.asarray(np.exp(log_weight - log_weight.max()))


def _likelihood(seen: Observation, slo: Slo, middle: Floats, spread: Floats) -> Floats:
    """How likely a level's counts are where the line says `middle` above the goal, give or take `spread`.

    Clusters are Poisson with a log-normal mean: Laplace's approximation, whose mode is Wright's omega.
    Relative to the best possible value, so that the outlier's share means the same in every level.
    """
    goal = scale(allowed(slo), slo)
    distance = scale(seen.over / seen.n, slo) - goal if seen.over else -math.inf
    fewest = math.exp(CALM) * allowed(slo) * seen.n / seen.cluster
    if distance > OVERLOAD:
        fit = special.ndtr((middle - OVERLOAD) / np.maximum(spread, 0.1))
    elif distance < CALM and fewest > 2:
        fit = special.ndtr((CALM - middle) / np.sqrt(spread**2 + 1 / fewest))
    else:
        found = seen.over / seen.cluster
        # The count is compared on the line's scale: the odds that were seen, as if the share were small.
        odds = math.exp(goal) * seen.n / seen.cluster
        if slo.metric != "mean":
            found /= 1 - seen.over / seen.n
        variance = np.maximum(spread**2, 1e-6)
        bent = special.wrightomega(middle + variance * found + np.log(variance * odds))
        at = middle + variance * found - bent
        best = found * math.log(found) - found if found else 0.0
        fit = found * (at + math.log(odds)) - bent / variance - (at - middle) ** 2 / (2 * variance) - best
        fit = np.exp(fit) / np.sqrt(1 + bent)
    return np.asarray(OUTLIER + (1 - OUTLIER) * fit)
