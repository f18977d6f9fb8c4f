"""What changed below the requests, by share of time: SQL statements, and lookups by class of key."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from analysis.compare.facts import Costs
from analysis.compare.shares import Share, class_shares, statement_shares
from analysis.compare.statements import short_statement
from reports.parts import Cell, Column, Section, Table
from reports.words import NONE
from results.units import show_latency, show_ratio, three_digits

_MORE = {
    "share": "Share of time",
    "calls": "A request",
    "us_per_call": "Time each",
    "rows_per_call": "Rows each",
    "hit_ratio": "Hits",
}
_SHOW: dict[str, Callable[[float], str]] = {
    "share": show_ratio,
    "calls": three_digits,
    "us_per_call": show_latency,
    "rows_per_call": three_digits,
    "hit_ratio": show_ratio,
}


def statements(sides: Sequence[Sequence[Costs]], names: Sequence[str]) -> Section | None:
    """The statements whose cost changed most, by their share of the database's time."""
    told = ("share", "calls", "us_per_call", "rows_per_call")
    found = [(Cell(short_statement(one.name, 160), code=True), one) for one in statement_shares(sides)]
    lead = "By the servers' own count; the statement whose time changed most first."
    return _section("statements", "In the database", "Statement", lead, found, told, names)


def key_classes(sides: Sequence[Sequence[Costs]], names: Sequence[str]) -> Section | None:
    """The classes of key whose lookups changed most, by their share of all lookups' time."""
    told = ("share", "calls", "hit_ratio", "us_per_call")
    found = [(Cell(one.name), one) for one in class_shares(sides)]
    lead = "By the API's own count; a miss's time holds reading anew what was not there."
    return _section("key-classes", "In the application's cache", "Class of key", lead, found, told, names)


def _section(
    anchor: str,
    title: str,
    what: str,
    lead: str,
    found: Sequence[tuple[Cell, Share]],
    told: Sequence[str],
    names: Sequence[str],
) -> Section | None:
    """Two sides in one cell each figure, `7.1% → 62%`; of more sides the share of time of each."""
    if not found:
        return None
    first = Column(what, number=False, wide=what == "Statement")
    if len(names) == 2:
        columns = [first, *(Column(_MORE[figure]) for figure in told)]
        rows = [
            [cell, *(_changed(getattr(one, figure), _SHOW[figure]) for figure in told)] for cell, one in found
        ]
        lead = f"Baseline → candidate. {lead}"
    else:
        columns = [first, *(Column(name) for name in names)]
        rows = [[cell, *(Cell(show_ratio(share), sort=share) for share in one.share)] for cell, one in found]
        lead = f"Share of the time of each run. {lead}"
    return Section(anchor, title, lead, [Table(f"{what}, by share of time", columns, rows)])


def _changed(sides: tuple[float, ...], show: Callable[[float], str]) -> Cell:
    """`7.1% → 62%`"""
    before, after = (NONE if math.isnan(value) else show(value) for value in sides)
    return Cell(f"{before} → {after}" if before != after else before, sort=sides[1])
