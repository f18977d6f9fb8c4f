"""Whether a level is evidence: what the generators themselves did while it was held."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from analysis.generators import Generators, lateness_us
from analysis.validity import RATE_TOLERANCE, SIGMAS
from results import Flow, Sample, Slo
from results.units import show_latency, three_digits

LIMITED = "generator-limited"


def level_problems(
    rate_per_s: float,
    flows: Sequence[Flow],
    samples: Sequence[Sample],
    lost: Sequence[str],
    slos: Sequence[Slo],
) -> tuple[str, ...]:
    """Why a level is no evidence about the system; empty where it is. All of the level's own seconds."""
    seen = Generators(_generators(samples), _mean(_values(samples, "host")), lateness_us(flows))
    found = [*lost, *(f"{LIMITED}: {name} used {share:.0%} of its core" for name, share in seen.busy.items())]
    if not found and seen.blur(min((slo.limit for slo in slos if slo.metric != "errors"), default=0.0)):
        found.append(f"{LIMITED}: it began arrivals {show_latency(seen.late_us)} late (p99)")
    return (*found, *_rate(rate_per_s, flows))


def _values(samples: Sequence[Sample], tier: str, instance: str | None = None) -> list[float]:
    return [
        one.value
        for one in samples
        if one.tier == tier and one.metric == "cpu_ratio" and instance in (None, one.instance)
    ]


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _generators(samples: Sequence[Sample]) -> dict[str, float]:
    """The mean share of a core that each generator used."""
    names = dict.fromkeys(one.instance for one in samples if one.tier == "generator")
    used = {name: _mean(_values(samples, "generator", name)) for name in names}
    return {name: share for name, share in used.items() if share is not None}


def _rate(rate_per_s: float, flows: Sequence[Flow]) -> list[str]:
    """Arrivals have to be as many as asked, but for the chance of a Poisson count."""
    due = rate_per_s * len({flow.second for flow in flows})
    scheduled = sum(flow.scheduled for flow in flows)
    if abs(scheduled - due) <= RATE_TOLERANCE * due + SIGMAS * math.sqrt(due):
        return []
    return [f"rate not reached: {scheduled} arrivals where {three_digits(due)} were due"]
