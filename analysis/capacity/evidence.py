"""Whether a level is evidence: what the generators themselves did while it was held."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from analysis.validity import (
    FULL_HOST,
    IDLE_GENERATOR,
    MOST_CPU_RATIO,
    MOST_WAKE_LAG_US,
    RATE_TOLERANCE,
    SIGMAS,
)
from results import Flow, Histogram, Sample, Slo
from results.units import show_latency, three_digits

LATE_SHARE = 0.1
"""Of the strictest latency limit: arrivals that begin later than this (p99) blur what the limit judges."""


def level_problems(
    rate_per_s: float,
    flows: Sequence[Flow],
    samples: Sequence[Sample],
    lost: Sequence[str],
    slos: Sequence[Slo],
) -> tuple[str, ...]:
    """Why a level is no evidence about the system; empty where it is. All of the level's own seconds.

    A generator that is late although it is idle, on a machine whose CPU is full, is no problem of the
    generator: the machine is the limit, and response times count from when arrivals were due.
    """
    found = [*lost, *_busy(samples)]
    if not found and not _starved(samples):
        found += _late(flows, slos)
    return (*found, *_rate(rate_per_s, flows))


def _values(samples: Sequence[Sample], tier: str, instance: str | None = None) -> list[float]:
    return [
        one.value
        for one in samples
        if one.tier == tier and one.metric == "cpu_ratio" and instance in (None, one.instance)
    ]


def _generators(samples: Sequence[Sample]) -> dict[str, float]:
    """The mean share of a core that each generator used."""
    names = dict.fromkeys(one.instance for one in samples if one.tier == "generator")
    used = {name: _values(samples, "generator", name) for name in names}
    return {name: float(np.mean(values)) for name, values in used.items() if values}


def _busy(samples: Sequence[Sample]) -> list[str]:
    return [
        f"generator-limited: {name} used {share:.0%} of its core"
        for name, share in _generators(samples).items()
        if share > MOST_CPU_RATIO
    ]


def _starved(samples: Sequence[Sample]) -> bool:
    """Whether the machine is full and the generators are not what fills it."""
    host = _values(samples, "host")
    idle = all(share < IDLE_GENERATOR for share in _generators(samples).values())
    return bool(host) and float(np.mean(host)) > FULL_HOST and idle


def _late(flows: Sequence[Flow], slos: Sequence[Slo]) -> list[str]:
    limits = [slo.limit for slo in slos if slo.metric != "errors"]
    most_us = max(MOST_WAKE_LAG_US, LATE_SHARE * min(limits, default=0.0))
    lag = Histogram.merged(flow.wake_lag for flow in flows)
    late_us = lag.quantile_us(0.99) if lag.count else 0.0
    if late_us <= most_us:
        return []
    return [f"generator-limited: it began arrivals {show_latency(late_us)} late (p99)"]


def _rate(rate_per_s: float, flows: Sequence[Flow]) -> list[str]:
    """Arrivals have to be as many as asked, but for the chance of a Poisson count."""
    due = rate_per_s * len({flow.second for flow in flows})
    scheduled = sum(flow.scheduled for flow in flows)
    if abs(scheduled - due) <= RATE_TOLERANCE * due + SIGMAS * math.sqrt(due):
        return []
    return [f"rate not reached: {scheduled} arrivals where {three_digits(due)} were due"]
