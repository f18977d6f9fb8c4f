"""Whether a level is evidence: what the generators themselves did while it was held."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from analysis.generators import Generators, grown, lateness_us
from analysis.samples import HALF_S
from analysis.validity import RATE_TOLERANCE, SIGMAS, own_limits
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
    """Why a level is no evidence about the system; empty where it is.

    `flows` are of the level's own seconds. `samples`, in order of time, end with its rate; the last ones from
    before it say from where the generators' own errors are counted.
    """
    begin_s = min((flow.second for flow in flows), default=0) + HALF_S
    before = [one for one in samples if one.at_s <= begin_s]
    own = [one for one in samples if one.at_s > begin_s]
    seen = Generators(_cpu_ratios(own), _mean(_values(own, "host", "cpu_ratio")), lateness_us(flows))
    limited = [f"{name} used {share:.0%} of its core" for name, share in seen.busy.items()]
    limited += [text for name in _generators(own) for text in _own_limits(name, before, own)]
    blurred = seen.blur(min((slo.limit for slo in slos if slo.metric != "errors"), default=0.0))
    if blurred and not limited and not lost:
        limited = [f"it began arrivals {show_latency(seen.late_us)} late (p99)"]
    return (*lost, *(f"{LIMITED}: {text}" for text in limited), *_rate(rate_per_s, flows))


def _values(samples: Sequence[Sample], tier: str, metric: str, instance: str | None = None) -> list[float]:
    return [
        one.value
        for one in samples
        if one.tier == tier and one.metric == metric and instance in (None, one.instance)
    ]


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _generators(samples: Sequence[Sample]) -> list[str]:
    return list(dict.fromkeys(one.instance for one in samples if one.tier == "generator"))


def _cpu_ratios(samples: Sequence[Sample]) -> dict[str, float]:
    """The mean share of a core that each generator used."""
    used = {name: _mean(_values(samples, "generator", "cpu_ratio", name)) for name in _generators(samples)}
    return {name: share for name, share in used.items() if share is not None}


def _own_limits(generator: str, before: Sequence[Sample], own: Sequence[Sample]) -> list[str]:
    """Its open files while the level was held, and the errors of its own machine that it met since before."""
    faults = grown(*(_values(one, "generator", "own_faults", generator) for one in (before, own)))
    files = max(_values(own, "generator", "fds", generator), default=0.0)
    allowed = max(_values(own, "generator", "fds_limit", generator), default=math.inf)
    return [reason.text for reason in own_limits(generator, files, allowed, faults)]


def _rate(rate_per_s: float, flows: Sequence[Flow]) -> list[str]:
    """Arrivals have to be as many as asked, but for the chance of a Poisson count."""
    due = rate_per_s * len({flow.second for flow in flows})
    scheduled = sum(flow.scheduled for flow in flows)
    if abs(scheduled - due) <= RATE_TOLERANCE * due + SIGMAS * math.sqrt(due):
        return []
    return [f"rate not reached: {scheduled} arrivals where {three_digits(due)} were due"]
