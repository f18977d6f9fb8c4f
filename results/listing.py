"""The list of stored runs for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from results.catalogue import Entry
from results.units import show_duration, show_latency, show_rate, show_ratio

_HEADS = ("RUN", "VERDICT", "RATE", "P99", "ERRORS", "LENGTH", "TARGET", "LOAD", "TAGS")
_RIGHT = {"RATE", "P99", "ERRORS", "LENGTH"}
_MOST_LOAD = 40


def listing(entries: Sequence[Entry], width: int | None = None) -> Iterator[str]:
    """A head and a line for each, columns aligned; cut to `width` characters where one is given."""
    if not entries:
        return
    rows = [_row(one) for one in entries]
    widths = [max(map(len, column)) for column in zip(_HEADS, *rows, strict=True)]
    for entry, row in chain([(None, _HEADS)], zip(entries, rows, strict=True)):
        cells = [
            f"{text:>{size}}" if head in _RIGHT else f"{text:<{size}}"
            for head, text, size in zip(_HEADS, row, widths, strict=True)
        ]
        line = "  ".join(cells).rstrip()
        if entry is not None and entry.problem:
            line = f"{row[0]:<{widths[0]}}  cannot be read: {entry.problem}"
        yield line if width is None or len(line) <= width else f"{line[: width - 1]}…"


def _row(one: Entry) -> tuple[str, ...]:
    figures = one.figures
    load = one.said or one.load
    return (
        one.id,
        one.judged,
        show_rate(figures["rate"]) if "rate" in figures else "",
        show_latency(figures["p99"]) if "p99" in figures else "",
        show_ratio(figures["errors"]) if "errors" in figures else "",
        show_duration(one.duration_s) if one.duration_s else "",
        one.target,
        load if len(load) <= _MOST_LOAD else f"{load[: _MOST_LOAD - 1]}…",
        " ".join(one.tags),
    )
