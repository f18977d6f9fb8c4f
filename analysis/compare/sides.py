"""The comparisons of two sides, figure by figure, not yet judged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from analysis.compare.effect import SMALLEST_ERROR, Effect, Layout, effect_between
from analysis.compare.figures import OVERALL, QUANTILES, Figures, Key, Metric
from analysis.compare.tolerance import Tolerances

Verdict = Literal["pass", "fail", "inconclusive"]

HEADLINE_WEIGHT = 0.7
"""Of the error rate, for the typical response time over all endpoints: the steadiest figure that sees a
change which all endpoints share. Endpoints' typical response times get half of the rest."""
FEW_BEYOND = 10
"""A quantile with fewer requests beyond it in a run is in doubt."""


@dataclass(frozen=True)
class Comparison:
    """One figure of candidate against baseline. `baseline`, `candidate` are means over runs, in `unit`.

    `change` with its 95% interval `low` to `high` is a share of the baseline, or for shares their plain
    difference. `tolerance` and `margin` are changes for the worse. `p` is one-sided against no change,
    `adjusted_p` corrected for the number of comparisons.
    """

    endpoint: str
    metric: str
    label: str
    unit: str
    baseline: float
    candidate: float
    change: float
    low: float
    high: float
    tolerance: float
    margin: float
    is_ratio: bool
    worse_effect: Effect
    """The change for the worse, as ln(ratio) or difference."""
    p: float
    verdict: Verdict = "inconclusive"
    adjusted_p: float = 1.0
    doubts: list[str] = field(default_factory=list)

    @property
    def key(self) -> Key:
        """(endpoint, metric)"""
        return self.endpoint, self.metric

    @property
    def tolerance_effect(self) -> float:
        """The tolerance on the scale of the effect."""
        return math.log1p(self.tolerance) if self.is_ratio else self.tolerance

    @property
    def margin_effect(self) -> float:
        """The margin on the scale of the effect."""
        return math.log1p(self.margin) if self.is_ratio else self.margin

    @property
    def is_significant(self) -> bool:
        """Whether the 95% interval leaves out no change; where it does not, `~` is shown."""
        return self.low > 0 or self.high < 0


def compare_sides(
    baseline: Sequence[Figures],
    candidate: Sequence[Figures],
    tolerances: Tolerances | None = None,
    layout: Layout = "turns",
    level: float = 0.975,
) -> list[Comparison]:
    """Every figure that all runs of both sides have, those over all endpoints first.

    The intervals shown reach to the one-sided bounds at `level`. Raises ValueError with fewer than 2 pairs.
    """
    if len(baseline) != len(candidate):
        raise ValueError("a duel has as many runs of the baseline as of the candidate")
    shared = set.intersection(*(set(one.values) for one in [*baseline, *candidate]))
    tolerances = tolerances or Tolerances()
    found = []
    for key in sorted(shared, key=lambda key: (key[0] != OVERALL, key)):
        values = [[one.values[key] for one in side] for side in (baseline, candidate)]
        metric = tolerances.metric(*key)
        if metric.scale == "difference" or min(map(min, values)) > 0:
            requests = [sum(one.requests.get(key[0], 0) for one in side) for side in (baseline, candidate)]
            plain, effect = _effect(metric, values, requests, layout)
            doubts = _doubts(metric, requests, len(baseline))
            found.append(comparison_of(key, metric, plain, effect, level, doubts))
    return found


def weights_of(comparisons: Sequence[Comparison]) -> dict[Key, float]:
    """How the error rate is shared among comparisons; only relative size matters."""
    typical = [c.key for c in comparisons if c.metric == "typical" and c.endpoint != OVERALL]
    rest = [c.key for c in comparisons if c.metric != "typical"]
    share = (1 - HEADLINE_WEIGHT) / 2
    weights = {(OVERALL, "typical"): HEADLINE_WEIGHT}
    weights |= {key: share / len(typical) for key in typical}
    weights |= {key: share / len(rest) for key in rest}
    return weights


def comparison_of(
    key: Key, metric: Metric, plain: Sequence[float], effect: Effect, level: float, doubts: list[str]
) -> Comparison:
    """One figure's comparison from the two sides' values in their unit and the effect between them."""
    is_ratio = metric.scale == "ratio"
    worse = Effect(effect.estimate * metric.worse, effect.error, effect.df)
    shown = (effect.estimate, effect.low(level), effect.high(level))
    change, low, high = (math.expm1(value) if is_ratio else value for value in shown)
    return Comparison(
        endpoint=key[0],
        metric=key[1],
        label=metric.label,
        unit=metric.unit,
        baseline=plain[0],
        candidate=plain[1],
        change=change,
        low=low,
        high=high,
        tolerance=metric.tolerance,
        margin=metric.margin,
        is_ratio=is_ratio,
        worse_effect=worse,
        p=worse.p_above(0.0),
        doubts=doubts,
    )


def _effect(
    metric: Metric, values: list[list[float]], requests: list[int], layout: Layout
) -> tuple[list[float], Effect]:
    """The two sides' means in the metric's unit, and the effect from all runs."""
    is_ratio = metric.scale == "ratio"
    baseline, candidate = (np.log(side) if is_ratio else np.asarray(side) for side in values)
    plain = [float(np.exp(side.mean()) if is_ratio else side.mean()) for side in (baseline, candidate)]
    floor = _floor(metric, values, requests)
    return plain, effect_between(baseline.tolist(), candidate.tolist(), layout, floor)


def _floor(metric: Metric, values: list[list[float]], requests: list[int]) -> float:
    """The least standard error believed: for errors what counting allows, however alike the runs were."""
    if metric.name != "errors":
        return SMALLEST_ERROR
    failed = sum(float(np.mean(side)) * n for side, n in zip(values, requests, strict=True))
    share = (failed + 0.5) / (sum(requests) + 1)
    return math.sqrt(share * (1 - share) * sum(1 / max(n, 1) for n in requests))


def _doubts(metric: Metric, requests: list[int], runs: int) -> list[str]:
    if metric.name not in QUANTILES:
        return []
    beyond = min(requests) / runs * (1 - QUANTILES[metric.name])
    if beyond >= FEW_BEYOND:
        return []
    return [
        f"about {max(round(beyond), 0)} requests a run lie beyond {metric.label}: longer runs would steady it"
    ]
