"""One run against one stored run: weaker than a duel, as the two did not take turns.

What chance does within each run is found by drawing whole blocks of its seconds again (block bootstrap);
what differs between runs of the same system made at different times cannot be seen in two runs and is
allowed for by a stated amount. The verdicts follow the duel's rule.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from analysis.compare.effect import Effect
from analysis.compare.figures import OVERALL, QUANTILES, Figures, Key, Metric, figures_of
from analysis.compare.judge import judge
from analysis.compare.sides import Comparison, comparison_of
from analysis.compare.tolerance import Tolerances
from analysis.difference import Blocks
from results import BUCKETS, Histogram, Run

BETWEEN_RUNS = 0.05
"""Standard deviation of ln(response time) between runs of one system made at different times."""
BETWEEN_SHARES = 0.01
"""The same for shares: error and hit ratios."""
WIDER = 3.0
"""Of a duel's margins: with two runs no smaller change can be excluded."""
ALPHA = 0.01
DRAWS = 200
FREEDOM = 30
"""Degrees of freedom of the bootstrap's error: of as many blocks."""


def compare_stored(
    baseline: Run, candidate: Run, tolerances: Tolerances | None = None, between_runs: float = BETWEEN_RUNS
) -> list[Comparison]:
    """Every figure that both runs have, judged; runs at different times may differ by `between_runs`."""
    sides = [figures_of(run) for run in (baseline, candidate)]
    spreads = [_spreads(run) for run in (baseline, candidate)]
    found = []
    for key in sorted(set(sides[0].values) & set(sides[1].values), key=lambda key: (key[0] != OVERALL, key)):
        metric = (tolerances or Tolerances()).metric(*key)
        metric = replace(metric, margin=metric.margin * WIDER)
        values = [side.values[key] for side in sides]
        if metric.scale == "ratio" and min(values) <= 0:
            continue
        within = [spread.get(key, 0.0) for spread in spreads]
        found.append(_compare(key, metric, values, within, sides, between_runs))
    return judge(found, ALPHA, 0.975)


def _compare(
    key: Key, metric: Metric, values: list[float], within: list[float], sides: list[Figures], between: float
) -> Comparison:
    if metric.scale == "ratio":
        estimate = math.log(values[1] / values[0])
        variance = sum(error**2 for error in within) + 2 * between**2
    else:
        estimate = values[1] - values[0]
        counted = sum(
            _share_variance(v, one.requests.get(key[0], 0)) for v, one in zip(values, sides, strict=True)
        )
        # Where nothing ever failed, runs do not differ by more than counting allows.
        moving = max(values) * (1 - min(values)) > 0
        variance = counted + 2 * BETWEEN_SHARES**2 * moving
    return comparison_of(key, metric, values, Effect(estimate, math.sqrt(variance), FREEDOM), 0.975, [])


def _share_variance(share: float, requests: int) -> float:
    likely = (share * requests + 0.5) / (requests + 1)
    return likely * (1 - likely) / max(requests, 1)


def _spreads(run: Run) -> dict[Key, float]:
    """The standard deviation of ln(quantile) within a run, by endpoint and metric."""
    blocks = Blocks([(run.warmup_s, run.duration_s)])
    for interval in run.intervals(start_s=run.warmup_s):
        blocks.add(interval)
    spreads: dict[Key, float] = {}
    for name, counts in blocks.counts.items():
        drawn = np.log(np.array(list(_redrawn(counts))))
        by_metric = dict(zip(QUANTILES, drawn.std(axis=0, ddof=1).tolist(), strict=True))
        spreads |= {(name, metric): spread for metric, spread in by_metric.items()}
        # The typical response time is at least as steady as the median.
        spreads[name, "typical"] = by_metric["p50"]
    return spreads


def _redrawn(
    counts: np.ndarray[tuple[int, int], np.dtype[np.int32]],
) -> Iterable[np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Quantiles of runs put together from blocks drawn with replacement."""
    random = np.random.default_rng(1)
    size = counts.shape[0]
    weights = random.multinomial(size, np.full(size, 1 / size), size=DRAWS)
    used = np.flatnonzero(counts.any(axis=0))
    full = np.zeros(BUCKETS, dtype=np.int64)
    for row in weights @ counts[:, used].astype(np.int64):
        full[used] = row
        quantiles = Histogram(full).quantiles_us(list(QUANTILES.values()))
        if np.isfinite(quantiles).all():
            yield np.maximum(quantiles, 0.5)
