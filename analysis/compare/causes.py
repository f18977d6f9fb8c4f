"""Why a candidate is slower: which endpoint, which part of its answer, and what lies below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from analysis.compare.below import Below, pools_below, statements_below
from analysis.compare.figures import OVERALL, Figures
from analysis.compare.sides import Comparison
from results.units import show_latency, show_ratio, three_digits

CauseKind = Literal["endpoint", "statement", "cache", "pool", "errors", "knob"]
NAMED_SHARE = 0.25
"""A part is named where it explains at least a quarter of what an endpoint's answers take longer."""
LEAST_US = 50.0
HITS_DOWN = 0.03
"""A hit ratio that fell by less explains nothing."""

_PLACES = {
    "db": "in database calls",
    "pool": "waiting for a pool connection",
    "cache": "in the cache",
    "queue": "waiting to be served",
    "other": "in no reported part (its own work, or the way to it)",
}


@dataclass(frozen=True)
class Cause:
    """One thing that changed beside the response time, in words; `weight_us` is what it adds to a request."""

    kind: CauseKind
    subject: str
    text: str
    weight_us: float


def find_causes(
    baseline: Sequence[Figures], candidate: Sequence[Figures], comparisons: Sequence[Comparison]
) -> list[Cause]:
    """Causes, the weightiest endpoint first; its sentence goes on with what changed most below it."""
    slower = _slower_endpoints(baseline, candidate, comparisons)
    measured = [*_named("statement", statements_below(baseline, candidate))]
    measured += _named("pool", pools_below(baseline, candidate))
    below = [*_caches(comparisons), *sorted(measured, key=lambda cause: -cause.weight_us)]
    if slower and below:
        first = slower.pop(0)
        joined = f"{first.text.removesuffix('.')}: {below.pop(0).text}"
        slower.insert(0, Cause("endpoint", first.subject, joined, first.weight_us))
    return [*slower, *below, *_errors(comparisons), *_knobs(baseline, candidate)]


def _named(kind: CauseKind, found: Sequence[Below]) -> list[Cause]:
    return [Cause(kind, below.subject, below.text, below.added_us) for below in found]


def _slower_endpoints(
    baseline: Sequence[Figures], candidate: Sequence[Figures], comparisons: Sequence[Comparison]
) -> list[Cause]:
    """Endpoints that failed on a response time (or are surely slower), by the time they add in all."""
    failed = {c.endpoint for c in comparisons if c.verdict == "fail" and c.unit == "us"} - {OVERALL}
    surely = {c.endpoint for c in comparisons if c.metric == "typical" and c.low > c.tolerance} - {OVERALL}
    causes = []
    for name in failed or surely:
        added = _added_by_part(baseline, candidate, name)
        total = sum(added.values())
        if total > LEAST_US:
            share = float(
                np.mean([one.requests.get(name, 0) / max(one.requests[OVERALL], 1) for one in candidate])
            )
            causes.append(Cause("endpoint", name, _where(name, added, total), total * share))
    return sorted(causes, key=lambda cause: -cause.weight_us)


def _added_by_part(baseline: Sequence[Figures], candidate: Sequence[Figures], name: str) -> dict[str, float]:
    """Microseconds a request that each part of an endpoint's answer takes longer."""
    parts = {part for one in [*baseline, *candidate] for part in one.parts_ms.get(name, {})}

    def mean_us(side: Sequence[Figures], part: str) -> float:
        return 1e3 * float(np.mean([one.parts_ms.get(name, {}).get(part, 0.0) for one in side]))

    return {part: mean_us(candidate, part) - mean_us(baseline, part) for part in sorted(parts)}


def _where(name: str, added_us: dict[str, float], total_us: float) -> str:
    """`todo.search takes 38 ms longer, 36 ms of it in database calls.`"""
    main = [part for part in added_us if added_us[part] >= NAMED_SHARE * total_us]
    main.sort(key=lambda part: -added_us[part])
    told = [f"{show_latency(added_us[part])} of it {_PLACES.get(part, f'in {part}')}" for part in main[:2]]
    return f"{name} takes {show_latency(total_us)} longer{', ' if told else ''}{' and '.join(told)}."


def _caches(comparisons: Sequence[Comparison]) -> list[Cause]:
    """Levels whose hit ratio fell, with the calls that got through in their place."""
    calls = next((c for c in comparisons if c.metric == "db_calls" and c.low > 0), None)
    more = ""
    if calls is not None:
        more = f", {three_digits(calls.candidate - calls.baseline)} more database calls per request"
    fell = [c for c in comparisons if c.metric.startswith("hits.") and c.high < 0 and c.change < -HITS_DOWN]
    return [
        Cause(
            "cache",
            c.metric.removeprefix("hits."),
            f"{c.label} {show_ratio(c.baseline)} → {show_ratio(c.candidate)}{more}.",
            0.0,
        )
        for c in sorted(fell, key=lambda c: c.change)
    ]


def _errors(comparisons: Sequence[Comparison]) -> list[Cause]:
    failed = [c for c in comparisons if c.metric == "errors" and c.verdict == "fail"]
    return [
        Cause(
            "errors",
            c.endpoint,
            f"{'requests' if c.endpoint == OVERALL else c.endpoint} failed: {show_ratio(c.baseline)} →"
            f" {show_ratio(c.candidate)}.",
            0.0,
        )
        for c in failed
    ]


def _knobs(baseline: Sequence[Figures], candidate: Sequence[Figures]) -> list[Cause]:
    before, after = baseline[-1].knobs, candidate[-1].knobs
    return [
        Cause("knob", name, f"knob {name}: {before[name]} → {after[name]}.", 0.0)
        for name in sorted(before.keys() & after.keys())
        if before[name] != after[name]
    ]
