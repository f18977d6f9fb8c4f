"""Why a candidate is slower: which endpoint, which part of its answer, and what lies below it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from analysis.breakdown import API, OTHER, OUTSIDE, OWN
from analysis.compare.below import Below, caller_of, classes_below, pools_below, statements_below
from analysis.compare.effect import Layout, surely_more
from analysis.compare.figures import OVERALL, Figures
from analysis.compare.sides import Comparison
from results.units import show_latency, show_ratio, three_digits

CauseKind = Literal["endpoint", "statement", "cache", "key class", "pool", "errors", "knob"]
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
    "web-queue": "waiting for a web instance's worker",
    OWN: "in the server's own work",
    API: "in the API behind the page",
    OUTSIDE: "outside the server that answered: on the way to it, or before it",
    OTHER: "in no reported part (its own work, the way to it, or others of its batch)",
}
_BELOW = ("db", "pool", "cache")


@dataclass(frozen=True)
class Cause:
    """One thing that changed beside the response time, in words; `weight_us` is what it adds to a request."""

    kind: CauseKind
    subject: str
    text: str
    weight_us: float


def find_causes(
    baseline: Sequence[Figures],
    candidate: Sequence[Figures],
    comparisons: Sequence[Comparison],
    layout: Layout = "turns",
) -> list[Cause]:
    """Causes, the weightiest endpoint first; its sentence goes on with what changed most below it."""
    sides = [one.below for one in baseline], [one.below for one in candidate]
    measured = _named("statement", statements_below(*sides, layout))
    measured += _named("pool", pools_below(*sides, layout))
    measured.sort(key=lambda cause: -cause.weight_us)
    classes = _named("key class", classes_below(*sides, layout))
    below = [*_caches(comparisons, classes), *measured, *classes]
    slower = _slower_endpoints(baseline, candidate, comparisons)
    callers = {one.subject: caller_of(one.subject, sides) for one in measured if one.kind == "statement"}
    if not slower and below:
        slower = _waiting_endpoints(baseline, candidate, layout) or _leading(classes, measured, callers)
    below = [_with_caller(one, callers, slower) for one in below if one not in slower]
    if slower:
        first = slower[0]
        deeper = next((one for one in below if _explains(one, first, callers)), None)
        if deeper is not None:
            below.remove(deeper)
            slower[0] = replace(first, text=f"{first.text.removesuffix('.')}: {deeper.text}")
    return [*slower, *below, *_errors(comparisons), *_knobs(baseline, candidate)]


def _with_caller(below: Cause, callers: Mapping[str, str], slower: Sequence[Cause]) -> Cause:
    """A statement with the class of key that calls it, unless it is going to stand behind that one's name."""
    caller = callers.get(below.subject)
    if not caller or any(one.subject == caller for one in slower[:1]):
        return below
    return replace(below, text=f"{below.text.removesuffix('.')}, called by {caller}.")


def _leading(classes: list[Cause], measured: list[Cause], callers: Mapping[str, str]) -> list[Cause]:
    """The class of key to begin with: the one that calls the weightiest statement, where there is one."""
    first = next((callers[one.subject] for one in measured if one.subject in callers), None)
    return classes[:1] if first is None else [one for one in classes if one.subject == first]


def _explains(below: Cause, above: Cause, callers: Mapping[str, str]) -> bool:
    """Whether it adds enough to stand behind an endpoint's time; a hit ratio's weight is not known.

    A statement has to be called by that endpoint's lookups, as far as that is known; a class of key makes no
    call that is not known.
    """
    caller = callers.get(below.subject, above.subject)
    if caller != above.subject and (caller or above.kind == "key class"):
        return False
    return below.kind == "cache" or below.weight_us >= NAMED_SHARE * above.weight_us


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
            causes.append(
                Cause("endpoint", name, _where(name, added, total), total * _share(candidate, name))
            )
    return sorted(causes, key=lambda cause: -cause.weight_us)


def _waiting_endpoints(
    baseline: Sequence[Figures], candidate: Sequence[Figures], layout: Layout
) -> list[Cause]:
    """The endpoint that waits longer for what lies below it, where no response time was clear enough."""
    names = sorted({name for one in candidate for name in one.parts_ms})
    causes = []
    for name in names:
        waits = [
            [sum(one.parts_ms.get(name, {}).get(part, 0.0) for part in _BELOW) for one in side]
            for side in (baseline, candidate)
        ]
        added_us = 1e3 * float(np.mean(waits[1]) - np.mean(waits[0]))
        if added_us > LEAST_US and surely_more(waits[0], waits[1], layout, len(names)):
            told = f"{name} waits {show_latency(added_us)} longer for what lies below it."
            causes.append(Cause("endpoint", name, told, added_us * _share(candidate, name)))
    return sorted(causes, key=lambda cause: -cause.weight_us)[:1]


def _share(side: Sequence[Figures], name: str) -> float:
    """An endpoint's share of all requests."""
    return float(np.mean([one.requests.get(name, 0) / max(one.requests[OVERALL], 1) for one in side]))


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


def _caches(comparisons: Sequence[Comparison], classes: list[Cause]) -> list[Cause]:
    """Levels whose hit ratio fell, with the calls that got through in their place.

    The application's level takes the costliest class of key out of `classes`, and goes on with it.
    """
    calls = next((c for c in comparisons if c.metric == "db_calls" and c.low > 0), None)
    more = ""
    if calls is not None:
        more = f", {three_digits(calls.candidate - calls.baseline)} more database calls per request"
    fell = [c for c in comparisons if c.metric.startswith("hits.") and c.high < 0 and c.change < -HITS_DOWN]
    causes = []
    for c in sorted(fell, key=lambda c: c.change):
        level = c.metric.removeprefix("hits.")
        deeper = f"; {classes.pop(0).text}" if classes and level.startswith("application") else "."
        text = f"{c.label} {show_ratio(c.baseline)} → {show_ratio(c.candidate)}{more}{deeper}"
        causes.append(Cause("cache", level, text, 0.0))
    return causes


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
