"""The samples of a run as Prometheus would hold them: a metric's name, labels, and a sample a second.

A stored metric keeps its name, dots become underscores, and what stands between them becomes a label:
`pool.replica.used` of api1 is `pool_used{tier="api", instance="api1", pool="replica"}`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from analysis.alerts.names import exporter_names
from analysis.alerts.vector import NAME, Floats, Labels, labels_of
from results import Gap, Series

LOOKBACK_STEPS = 5
"""A sample counts for so many of its series' usual steps, unless a gap ends it sooner."""
_INNER_LABELS = ("pool", "cache", "command")
_OWN = ("probes",)
"""The harness's own cost is no part of the system that is watched."""


@dataclass(frozen=True)
class StoredSeries:
    """One series: arrays of shape (n,). `gone_s` are the moments at which it became stale."""

    labels: Labels
    at_s: Floats
    values: Floats
    lookback_s: float
    gone_s: Floats = field(default_factory=lambda: np.empty(0))

    @property
    def name(self) -> str:
        """The metric's name."""
        return dict(self.labels)[NAME]


def stored_series(told: Iterable[Series], gaps: Iterable[Gap], duration_s: float) -> list[StoredSeries]:
    """Everything that the tiers told, each under its own name and under that of the usual exporter.

    `up` is 1 for each instance that could be asked and 0 in its gaps, as of a target that is scraped.
    """
    kept = [one for one in told if one.at_s.size and one.tier not in _OWN]
    by_tier: dict[str, list[float]] = {}
    gaps = list(gaps)
    for gap in gaps:
        by_tier.setdefault(gap.tier, []).append(gap.from_s)
    found = []
    for one in kept:
        gone = np.array(sorted(by_tier.get(one.tier, [])))
        named = (labels_for(one), *exporter_names(one))
        found += [_series(labels, one.at_s, one.values, gone) for labels in named]
    told_up = {(one.tier, one.instance) for one in kept if one.metric == "up"}
    instances = {(one.tier, one.instance) for one in kept} | {(gap.tier, gap.instance) for gap in gaps}
    return found + [_up(tier, instance, gaps, duration_s) for tier, instance in sorted(instances - told_up)]


def labels_for(series: Series) -> Labels:
    """A stored series' own name and labels."""
    told, extra = series.metric, []
    if ".wait_bucket." in told:
        told, _, bound = told.partition(".wait_bucket.")
        told, extra = f"{told}.wait_seconds_bucket", [("le", "+Inf" if bound == "inf" else bound)]
    first, *rest = told.split(".")
    if first in _INNER_LABELS and len(rest) > 1:
        extra.append((first, rest[0]))
        rest = rest[1:]
    name = "_".join([first, *rest])
    return labels_of([(NAME, name), ("tier", series.tier), ("instance", series.instance), *extra])


def _series(labels: Labels, at_s: Floats, values: Floats, gone_s: Floats) -> StoredSeries:
    step_s = float(np.median(np.diff(at_s))) if at_s.size > 1 else 1.0
    known = np.isfinite(values)
    return StoredSeries(labels, at_s[known], values[known], LOOKBACK_STEPS * max(step_s, 1.0), gone_s)


def _up(tier: str, instance: str, gaps: list[Gap], duration_s: float) -> StoredSeries:
    at_s = np.arange(0, max(duration_s, 0) + 1.0)
    values = np.ones(at_s.size)
    for gap in gaps:
        if (gap.tier, gap.instance) == (tier, instance):
            values[(at_s >= gap.from_s) & (at_s < gap.to_s)] = 0
    return StoredSeries(
        labels_of([(NAME, "up"), ("tier", tier), ("instance", instance)]), at_s, values, LOOKBACK_STEPS
    )
