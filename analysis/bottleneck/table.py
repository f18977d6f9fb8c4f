"""The tier x level table: utilisation, saturation, errors and demand of each resource."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.bottleneck.resources import TIER_NAMES, uses
from analysis.bottleneck.stretch import Stretch

NAN = float("nan")


@dataclass(frozen=True)
class SaturationRow:
    """One resource over all levels: one value a level, nan if not watched.

    `by_process` is what an arrival takes of each process, where the resource is several processes' CPU.
    """

    tier: str
    resource: str
    utilisation: tuple[float, ...]
    waiting: tuple[float, ...]
    errors: tuple[float, ...]
    demand_s: tuple[float, ...]
    by_process: Mapping[str, tuple[float, ...]]


def saturation(levels: Sequence[Stretch]) -> list[SaturationRow]:
    """Utilisation, saturation and errors of each resource at each level, in the order of a request's way."""
    tables = [{(one.tier, one.resource): one for one in uses(level)} for level in levels]
    names = list(dict.fromkeys(name for table in tables for name in table))
    rows = []
    for tier, resource in sorted(names, key=lambda name: list(TIER_NAMES).index(name[0])):
        cells = [table.get((tier, resource)) for table in tables]
        processes = sorted({name for c in cells if c is not None for name in c.by_process})
        rows.append(
            SaturationRow(
                tier,
                resource,
                tuple(NAN if c is None or c.utilisation is None else c.utilisation for c in cells),
                tuple(NAN if c is None else c.waiting for c in cells),
                tuple(NAN if c is None else c.errors for c in cells),
                tuple(NAN if c is None else c.demand_s for c in cells),
                {
                    name: tuple(NAN if c is None else c.by_process.get(name, NAN) for c in cells)
                    for name in processes
                },
            )
        )
    return rows
