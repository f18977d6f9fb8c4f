"""What changed below the requests: statements, cached lookups and pools, by the time they add to a request.

Only what grew beyond the noise among pairs is named: an innocent statement is slower now and then, too. A
machine that is slower as a whole takes all statements' time along, so that time alone is not held against
one: its share of all statements' time has to have grown as well, or the rows that it reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from analysis.compare.effect import Layout, surely_more
from analysis.compare.facts import ClassCost, Costs, DigestCost, PoolUse
from analysis.compare.statements import statement_words
from results.units import show_latency, show_ratio, three_digits

Sides = tuple[Sequence[Costs], Sequence[Costs]]
"""Baseline and candidate, a run each."""
Cost = TypeVar("Cost", DigestCost, ClassCost)
LEAST_STATEMENT_US = 25.0
LEAST_WAIT_US = 50.0
ALIKE = 0.25
"""The most that ln(calls) and ln(misses) may lie apart, over all runs, where a miss makes the call."""


class Below(NamedTuple):
    """One statement, class of key or pool that costs the candidate's requests more; `added_us` a request."""

    subject: str
    text: str
    added_us: float


def statements_below(
    baseline: Sequence[Costs], candidate: Sequence[Costs], layout: Layout = "turns"
) -> list[Below]:
    """Statements that are called more often or slower each time, by a tenth or more and beyond the noise."""
    sides = (baseline, candidate)
    texts = {text for side in sides for one in side for text in one.digests}
    return [
        Below(text, statement_words(before, after), added_us)
        for text, before, after, added_us in _costlier(texts, sides, mean_digest)
        if _grew(text, sides, layout, len(texts))
    ]


def _costlier(
    names: set[str], sides: Sides, mean: Callable[[Sequence[Costs], str], Cost]
) -> Iterator[tuple[str, Cost, Cost, float]]:
    """What takes a request a tenth more time or above, before and after, with what is added."""
    for name in sorted(names):
        before, after = (mean(side, name) for side in sides)
        added_us = after.time_us - before.time_us
        if added_us > max(LEAST_STATEMENT_US, 0.1 * before.time_us):
            yield name, before, after, added_us


def _more(value: Callable[[Costs], float], sides: Sides, layout: Layout, among: int) -> bool:
    before, after = ([value(one) for one in side] for side in sides)
    return surely_more(before, after, layout, among)


def _grew(text: str, sides: Sides, layout: Layout, among: int) -> bool:
    def cost(one: Costs) -> DigestCost:
        return one.digests.get(text) or DigestCost(text, 0.0, 0.0, 0.0, 0.0)

    def share(one: Costs) -> float:
        return cost(one).time_us / (sum(other.time_us for other in one.digests.values()) or 1.0)

    def more(value: Callable[[Costs], float]) -> bool:
        return _more(value, sides, layout, among)

    return more(lambda one: cost(one).rows_examined) or (more(lambda one: cost(one).time_us) and more(share))


def classes_below(
    baseline: Sequence[Costs], candidate: Sequence[Costs], layout: Layout = "turns"
) -> list[Below]:
    """Classes of key whose lookups miss more often or take longer, beyond the noise."""
    sides = (baseline, candidate)
    names = {name for one in candidate for name in one.classes}

    def more(name: str, what: str) -> bool:
        def value(one: Costs) -> float:
            return float(getattr(one.classes[name], what)) if name in one.classes else 0.0

        return _more(value, sides, layout, 2 * len(names))

    found = []
    for name, before, after, added_us in _costlier(names, sides, mean_class):
        missed_more = more(name, "misses")
        if missed_more or more(name, "time_us"):
            found.append(Below(name, _class_words(before, after, missed_more), added_us))
    return sorted(found, key=lambda below: -below.added_us)


def caller_of(statement: str, sides: Sequence[Sequence[Costs]]) -> str:
    """The class of key whose misses make a statement's calls; empty where none does, or it is not clear.

    A miss makes one call, so that in each run there are about as many of both, and the next class is at least
    twice as far off.
    """
    runs = [one for side in sides for one in side]
    calls = np.array([one.digests[statement].calls if statement in one.digests else 0.0 for one in runs])
    apart = []
    for name in {name for one in runs for name in one.classes}:
        misses = np.array([one.classes[name].misses if name in one.classes else 0.0 for one in runs])
        if min(calls.min(), misses.min()) > 0:
            apart.append((float(np.sqrt(np.mean(np.log(calls / misses) ** 2))), name))
    (nearest, name), (next_one, _) = sorted([*apart, (np.inf, ""), (np.inf, "")])[:2]
    return name if nearest <= ALIKE and next_one >= 2 * nearest else ""


def _class_words(before: ClassCost, after: ClassCost, missed_more: bool) -> str:
    """`lookups of todo.list hit 40% instead of 95% and take 5 ms instead of 1 ms.`"""
    hits = f"hit {show_ratio(after.hit_ratio)} instead of {show_ratio(before.hit_ratio)} and "
    told = hits if missed_more else ""
    slower = f"take {show_latency(after.us_per_lookup)} instead of {show_latency(before.us_per_lookup)}"
    if after.us_per_lookup <= before.us_per_lookup:
        slower = f"are {three_digits(after.lookups)} a request instead of {three_digits(before.lookups)}"
    return f"lookups of {after.name} in the cache {told}{slower}."


def pools_below(
    baseline: Sequence[Costs], candidate: Sequence[Costs], layout: Layout = "turns"
) -> list[Below]:
    """Pools that requests wait for at least half as long again, beyond the noise."""
    sides = (baseline, candidate)
    names = sorted({name for one in candidate for name in one.pools})

    def waits_more(name: str) -> bool:
        def wait_us(one: Costs) -> float:
            return one.pools[name].wait_us if name in one.pools else 0.0

        return _more(wait_us, sides, layout, len(names))

    found = []
    for name in names:
        before, after = (_pool(side, name) for side in sides)
        added_us = after.wait_us - before.wait_us
        if added_us > max(LEAST_WAIT_US, 0.5 * before.wait_us) and waits_more(name):
            changed = round(before.size) not in (0, round(after.size))
            was = f" (the baseline has {before.size:.0f})" if changed else ""
            text = (
                f"requests wait {show_latency(after.wait_us)} on average for a connection of the {name} pool,"
                f" up from {show_latency(before.wait_us)}, {after.used:.1f} of {after.size:.0f} in use{was}."
            )
            found.append(Below(name, text, added_us))
    return found


def mean_digest(side: Sequence[Costs], text: str) -> DigestCost:
    """A statement's mean cost over the runs of one side."""
    nothing = DigestCost(text, 0.0, 0.0, 0.0, 0.0)
    costs = [one.digests.get(text, nothing) for one in side]
    table = np.array([[c.calls, c.time_us, c.rows_examined, c.no_index] for c in costs])
    return DigestCost(text, *table.mean(axis=0).tolist())


def mean_class(side: Sequence[Costs], name: str) -> ClassCost:
    """A class of key's mean cost over the runs of one side."""
    costs = [one.classes.get(name, ClassCost(name, 0.0, 0.0, 0.0)) for one in side]
    table = np.array([[c.lookups, c.misses, c.time_us] for c in costs])
    return ClassCost(name, *table.mean(axis=0).tolist())


def _pool(side: Sequence[Costs], name: str) -> PoolUse:
    """A pool's mean use over the runs of one side; of size 0 where the side has no such pool."""
    uses = [one.pools[name] for one in side if name in one.pools]
    if not uses:
        return PoolUse(name, 0.0, 0.0, 0.0, 0.0)
    table = np.array([[use.size, use.used, use.wait_us, use.timeouts] for use in uses])
    return PoolUse(name, *table.mean(axis=0).tolist())
