"""Folding older detail of a run into longer pieces, so that a day's run.db stays small.

Nothing is lost but the position within a piece: counts, errors and times are sums, histograms add exactly,
a gauge becomes the mean of its samples and a counter keeps its last one. So does a gauge of a generator: what
share of the seconds it was past a limit decides whether a run is valid, and a mean would hide it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from results.histogram import Histogram

Row = tuple[Any, ...]

AFTER_S = 3600
"""Detail that is older than this is folded; a run that is no longer keeps every second."""
PIECE_S = 10


def fold(connection: sqlite3.Connection, from_s: int, to_s: int, edges_s: Iterable[float] = ()) -> None:
    """Make pieces of PIECE_S seconds of everything between two of their multiples.

    A piece that one of `edges_s` would cut keeps its seconds, so that what begins or ends there stays exact.
    """
    cut = {int(edge // PIECE_S) * PIECE_S for edge in edges_s if edge % PIECE_S}
    begin = from_s
    for end in [*sorted(at for at in cut if from_s <= at < to_s), to_s]:
        if begin < end:
            _fold(connection, (begin, end))
        begin = end + PIECE_S


def _fold(connection: sqlite3.Connection, window: tuple[int, int]) -> None:
    _fold_intervals(connection, window)
    _fold_flows(connection, window)
    for table, key, sums in (
        ("error", "endpoint, kind", "sum(requests), min(sample)"),
        ("part", "endpoint, name", "sum(requests), sum(sum_us), max(max_us)"),
    ):
        query = f"SELECT {_SLOT}, {key}, {sums} FROM {table}"
        _replace(
            connection, table, window, connection.execute(f"{query} {_WHERE} GROUP BY slot, {key}", window)
        )
    _fold_samples(connection, window)


_SLOT = f"second / {PIECE_S} * {PIECE_S} AS slot"
_WHERE = "WHERE second >= ? AND second < ?"


def _replace(
    connection: sqlite3.Connection, table: str, window: tuple[int, int], rows: Iterable[Row]
) -> None:
    kept = list(rows)
    connection.execute(f"DELETE FROM {table} {_WHERE}", window)
    if kept:
        connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(kept[0]))})", kept)


def _fold_intervals(connection: sqlite3.Connection, window: tuple[int, int]) -> None:
    rows = connection.execute(
        f"SELECT {_SLOT}, generator, endpoint, requests, failed, bytes, service,"
        f" response FROM interval {_WHERE} ORDER BY slot, generator, endpoint",
        window,
    )
    _replace(connection, "interval", window, list(_merged_intervals(rows)))


def _merged_intervals(rows: Iterable[Row]) -> Iterator[Row]:
    for (slot, generator, endpoint), group in groupby(rows, key=lambda row: row[:3]):
        pieces = list(group)
        services = Histogram.all_from_bytes([row[-2] for row in pieces])
        responses = list(services)
        late = [number for number, row in enumerate(pieces) if row[-1] is not None]
        for number, histogram in zip(
            late, Histogram.all_from_bytes([pieces[n][-1] for n in late]), strict=True
        ):
            responses[number] = histogram
        service = Histogram.merged(services).to_bytes()
        response = Histogram.merged(responses).to_bytes() if late else None
        counts = [sum(row[column] for row in pieces) for column in (3, 4, 5)]
        yield (slot, PIECE_S, generator, endpoint, *counts, service, response)


def _fold_flows(connection: sqlite3.Connection, window: tuple[int, int]) -> None:
    """Counts add up; gauges become their mean, as a whole number."""
    rows = connection.execute(
        f"SELECT {_SLOT}, generator, scheduled, started, finished, failed,"
        f" requests, in_flight, backlog, users, wake_lag FROM flow {_WHERE} ORDER BY slot, generator, second",
        window,
    )
    folded = []
    for key, group in groupby(rows, key=lambda row: row[:2]):
        pieces = list(group)
        counts = [sum(row[column] for row in pieces) for column in range(2, 7)]
        lag = Histogram.merged(Histogram.all_from_bytes([row[-1] for row in pieces]))
        gauges = [round(sum(row[column] for row in pieces) / len(pieces)) for column in (7, 8, 9)]
        folded.append((*key, *counts, *gauges, lag.to_bytes(), PIECE_S))
    _replace(connection, "flow", window, folded)


def _fold_samples(connection: sqlite3.Connection, window: tuple[int, int]) -> None:
    """A sample tells of the second before it: pieces of samples begin and end half a second later."""
    # By series first, as the table is ordered: a day has millions of samples to pass over.
    inside = "WHERE series IN (SELECT id FROM series) AND at_s >= ? + 0.5 AND at_s < ? + 0.5"
    # Beside a single max(), SQLite takes the bare column s.value from the row that holds the maximum.
    rows = connection.execute(
        "SELECT s.series, d.kind = 'counter' OR d.tier = 'generator', max(s.at_s), s.value, avg(s.at_s),"
        f" avg(s.value) FROM sample s JOIN series d ON d.id = s.series {inside}"
        f" GROUP BY s.series, cast((s.at_s - 0.5) / {PIECE_S} AS INTEGER)",
        window,
    ).fetchall()
    connection.execute(f"DELETE FROM sample {inside}", window)
    folded = [(row[0], *(row[2:4] if row[1] else row[4:6])) for row in rows]
    connection.executemany("INSERT INTO sample VALUES (?, ?, ?)", folded)
