"""Statements and classes of key by their share of time, on two or more sides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from analysis.compare.below import Cost, mean_class, mean_digest
from analysis.compare.facts import Costs

Values = tuple[float, ...]
"""One a side."""


@dataclass(frozen=True)
class Share:
    """One statement's (or class of key's) part of the time of all, 0 to 1, and what a request costs of it."""

    name: str
    share: Values
    calls: Values
    """Per request."""
    us_per_call: Values
    rows_per_call: Values = ()
    """Of statements."""
    hit_ratio: Values = ()
    """Of classes of key."""


def statement_shares(sides: Sequence[Sequence[Costs]], most: int = 8) -> list[Share]:
    """The statements whose time a request changed most."""
    names = {name for side in sides for one in side for name in one.digests}
    return [
        Share(
            name,
            share,
            tuple(cost.calls for cost in costs),
            tuple(cost.us_per_call for cost in costs),
            rows_per_call=tuple(cost.rows_per_call for cost in costs),
        )
        for name, share, costs in _most_changed(names, sides, mean_digest, most)
    ]


def class_shares(sides: Sequence[Sequence[Costs]], most: int = 8) -> list[Share]:
    """The classes of key whose lookups' time a request changed most."""
    names = {name for side in sides for one in side for name in one.classes}
    return [
        Share(
            name,
            share,
            tuple(cost.lookups for cost in costs),
            tuple(cost.us_per_lookup for cost in costs),
            hit_ratio=tuple(cost.hit_ratio for cost in costs),
        )
        for name, share, costs in _most_changed(names, sides, mean_class, most)
    ]


def _most_changed(
    names: set[str],
    sides: Sequence[Sequence[Costs]],
    mean: Callable[[Sequence[Costs], str], Cost],
    most: int,
) -> list[tuple[str, Values, list[Cost]]]:
    """Those whose time differs most between sides come first: name, share of each side's time, and costs."""
    costs = {name: [mean(side, name) for side in sides] for name in sorted(names)}
    times = {name: [cost.time_us for cost in row] for name, row in costs.items()}
    totals = [sum(side) or 1.0 for side in zip(*times.values(), strict=True)]
    ordered = sorted(times, key=lambda name: min(times[name]) - max(times[name]))
    return [
        (name, tuple(time / total for time, total in zip(times[name], totals, strict=True)), costs[name])
        for name in ordered[:most]
    ]
