"""SQL statements by what they cost."""

from __future__ import annotations

import re

from reports.parts import Block, Cell, Column, More, Table
from reports.words import NONE, counted, show_count, show_share
from results import Digest
from results.units import show_latency, show_rate, three_digits

_SHOWN, _MOST_DIGESTS = 5, 20
_TIDY = ((re.compile(r"\s+([,.)])"), r"\1"), (re.compile(r"([(.])\s+"), r"\1"), (re.compile("`"), ""))
_MANY_EXAMINED = 50
"""Rows examined for each row sent, from which on an index is likely missing."""


def digests(found: list[Digest], duration_s: float) -> list[Block]:
    """The server's own count of each normalised statement, the costliest first."""
    total = sum(digest.total_us for digest in found) or 1.0
    columns = [
        Column("Statement", number=False, wide=True),
        Column("Calls"),
        Column("Total time"),
        Column("Mean"),
        Column("Lock time"),
        Column("Rows examined"),
        Column("Examined per row sent"),
    ]
    rows = [_row(digest, total, duration_s) for digest in found[:_MOST_DIGESTS]]
    title = "Statements by total time"
    first = Table(title, columns, rows[:_SHOWN], sortable=True, titled=True, dense=True)
    if len(rows) <= _SHOWN:
        return [first]
    rest = Table("Further statements", columns, rows[_SHOWN:], sortable=True, dense=True)
    return [first, More(counted(len(rows) - _SHOWN, "more statement"), [rest])]


def tidy(text: str) -> str:
    """A digest's text as people write SQL: no quotes around names, no spaces before commas."""
    for pattern, instead in _TIDY:
        text = pattern.sub(instead, text)
    return text


def _row(digest: Digest, total_us: float, duration_s: float) -> list[Cell]:
    mean_us = digest.total_us / max(digest.calls, 1)
    notes = ["uses no index"] if digest.no_index else []
    notes += [f"{digest.errors:,} failed"] if digest.errors else []
    rate = show_rate(digest.calls / duration_s) if duration_s > 0 else ""
    return [
        Cell(tidy(digest.text), "; ".join(notes), code=True),
        Cell(show_count(digest.calls), rate, digest.calls),
        Cell(show_latency(digest.total_us), show_share(digest.total_us / total_us), digest.total_us),
        Cell(show_latency(mean_us), sort=mean_us),
        Cell(show_latency(digest.lock_us) if digest.lock_us else "0", sort=digest.lock_us),
        Cell(show_count(digest.rows_examined), sort=digest.rows_examined),
        _examined(digest),
    ]


def _examined(digest: Digest) -> Cell:
    if not digest.rows_sent:
        return Cell(NONE, sort=-1)
    ratio = digest.rows_examined / digest.rows_sent
    return Cell(three_digits(ratio), sort=ratio, strong=ratio > _MANY_EXAMINED)
