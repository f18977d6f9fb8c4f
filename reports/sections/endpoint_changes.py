"""The endpoint table of a comparison: what changed most first, `~` where nothing was shown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from analysis.compare.words import show_change
from analysis.difference import Change
from analysis.endpoints import EndpointTotal
from reports.parts import Cell, Column, IntervalBar, Section, Table, Tone
from reports.words import NONE
from results.units import show_latency

SHARES = (0.5, 0.99)
Changes = Mapping[str, Sequence[Change | None]]
"""By endpoint: the change at SHARES of each run after the first, None where it cannot be had."""
Totals = Mapping[str, Sequence[EndpointTotal | None]]


def by_size(changes: Changes) -> list[str]:
    """Endpoints by their largest significant change of p99 in any run; those without last, by name."""
    return sorted(changes, key=lambda name: (-max(map(_size, changes[name]), default=0.0), name))


def is_shown(change: Change | None) -> bool:
    """Whether a change of p99 is beyond chance."""
    return change is not None and math.isfinite(change.change[1]) and bool(change.is_significant[1])


def told_change(change: Change | None) -> str:
    """The change of p99 in words, `~` where the runs show none."""
    if change is None or not math.isfinite(change.change[1]):
        return NONE
    return show_change(float(change.change[1]), True) if is_shown(change) else "~"


def endpoint_changes(totals: Totals, changes: Changes, names: Sequence[str]) -> Section | None:
    """Every endpoint, the largest change of p99 first: of two runs with intervals, of more run by run."""
    if not totals:
        return None
    if len(names) == 2:
        lead = "The largest change of p99 first; ~ where these two runs show none."
        table = _of_two(totals, changes, names)
    else:
        lead = "p99 by run, below it the change against the first, ~ where none shows; the largest on top."
        table = _of_many(totals, changes, names)
    return Section("endpoints", "By endpoint", lead, [table])


def _of_two(totals: Totals, changes: Changes, names: Sequence[str]) -> Table:
    columns = [
        Column("Endpoint", number=False),
        *(Column(f"{figure} {name}") for figure in ("p50", "p99") for name in names),
        Column("p99 change"),
        Column("Interval", number=False),
    ]
    scale = _scale([one for (one,) in changes.values() if one is not None])
    rows = []
    for name in by_size(changes):
        cells = [_latency(total, share) for share in SHARES for total in totals[name]]
        rows.append([Cell(name), *cells, *_change_cells(changes[name][0], scale)])
    return Table("By endpoint", columns, rows, sortable=True)


def _of_many(totals: Totals, changes: Changes, names: Sequence[str]) -> Table:
    columns = [Column("Endpoint", number=False), *(Column(name) for name in names)]
    rows = []
    for name in by_size(changes):
        first, *others = totals[name]
        cells = [_latency(first, 0.99)]
        for total, change in zip(others, changes[name], strict=True):
            shown = is_shown(change)
            worse = change is not None and change.change[1] > 0
            tone: Tone = ("bad" if worse else "good") if shown else ""
            told = told_change(change)
            cells.append(_latency(total, 0.99, told if told != NONE else "", tone))
        rows.append([Cell(name), *cells])
    return Table("p99 by endpoint and run", columns, rows, sortable=True)


def _latency(total: EndpointTotal | None, share: float, small: str = "", tone: Tone = "") -> Cell:
    if total is None:
        return Cell(NONE, sort=-1)
    value = total.response.quantile_us(share)
    return Cell(show_latency(value), small, sort=value, tone=tone)


def _size(change: Change | None) -> float:
    return abs(float(change.change[1])) if change is not None and is_shown(change) else 0.0


def _scale(changes: Sequence[Change]) -> float:
    """Half the interval axis: the 90th percentile, so that one wild interval flattens no other."""
    ends = sorted(max(abs(float(one.low[1])), abs(float(one.high[1]))) for one in changes)
    known = [end for end in ends if math.isfinite(end)]
    return known[int((len(known) - 1) * 0.9)] if known else 1.0


def _change_cells(change: Change | None, scale: float) -> list[Cell]:
    if change is None or not math.isfinite(change.change[1]):
        return [Cell(NONE, sort=0), Cell(NONE)]
    middle, low, high = (float(side[1]) for side in (change.change, change.low, change.high))
    shown = is_shown(change)
    spoken = f"{show_change(low, True)} to {show_change(high, True)}"
    tone: Tone = ("bad" if middle > 0 else "good") if shown else ""
    bar = IntervalBar(low, middle, high, None, -scale, scale, tone)
    return [
        Cell(told_change(change), sort=middle if shown else 0.0, strong=shown),
        Cell(spoken, interval=bar, sort=middle),
    ]
