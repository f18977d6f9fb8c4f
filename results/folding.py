"""Folding older detail of a run into longer pieces, so that a day's run.db stays small.

Nothing is lost but the position within a piece: counts, errors and times are sums, histograms add exactly,
a gauge becomes the mean of its samples and a counter keeps its last one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from results.histogram import Histogram

Row = tuple[Any, ...]


def fold(connection: sqlite3.Connection, before_s: int, span_s: int) -> None:
    """Make pieces of `span_s` seconds of everything that ended before `before_s`, where it is finer.

    What was folded already is left alone, so a run may be folded again and again as it goes on.
    """
    before_s -= before_s % span_s
    (from_s,) = connection.execute(
        "SELECT coalesce(min(second), ?) FROM interval WHERE span_s < ?", (before_s, span_s)
    ).fetchone()
    from_s -= from_s % span_s
    if from_s >= before_s:
        return
    window = (from_s, before_s)
    _fold_intervals(connection, window, span_s)
    _fold_flows(connection, window, span_s)
    for table, key, sums in (
        ("error", "endpoint, kind", "sum(requests), min(sample)"),
        ("part", "endpoint, name", "sum(requests), sum(sum_us), max(max_us)"),
    ):
        query = f"SELECT second / {span_s} * {span_s} AS slot, {key}, {sums} FROM {table}"
        _replace(
            connection, table, window, connection.execute(f"{query} {_WHERE} GROUP BY slot, {key}", window)
        )
    _fold_samples(connection, window, span_s)


_WHERE = "WHERE second >= ? AND second < ?"


def _replace(
    connection: sqlite3.Connection, table: str, window: tuple[int, int], rows: Iterable[Row]
) -> None:
    kept = list(rows)
    connection.execute(f"DELETE FROM {table} {_WHERE}", window)
    if kept:
        connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(kept[0]))})", kept)


def _fold_intervals(connection: sqlite3.Connection, window: tuple[int, int], span_s: int) -> None:
    rows = connection.execute(
        f"SELECT second / {span_s} * {span_s} AS slot, generator, endpoint, requests, failed, bytes, service,"
        f" response FROM interval {_WHERE} ORDER BY slot, generator, endpoint",
        window,
    )
    _replace(connection, "interval", window, list(_merged_intervals(rows, span_s)))


def _merged_intervals(rows: Iterable[Row], span_s: int) -> Iterator[Row]:
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
        yield (slot, span_s, generator, endpoint, *counts, service, response)


def _fold_flows(connection: sqlite3.Connection, window: tuple[int, int], span_s: int) -> None:
    """Counts add up; gauges keep their value at the end of the piece."""
    rows = connection.execute(
        f"SELECT second / {span_s} * {span_s} AS slot, generator, scheduled, started, finished, failed,"
        f" requests, in_flight, backlog, users, wake_lag FROM flow {_WHERE} ORDER BY slot, generator, second",
        window,
    )
    folded = []
    for key, group in groupby(rows, key=lambda row: row[:2]):
        pieces = list(group)
        counts = [sum(row[column] for row in pieces) for column in range(2, 7)]
        lag = Histogram.merged(Histogram.all_from_bytes([row[-1] for row in pieces]))
        folded.append((*key, *counts, *pieces[-1][7:10], lag.to_bytes()))
    _replace(connection, "flow", window, folded)


def _fold_samples(connection: sqlite3.Connection, window: tuple[int, int], span_s: int) -> None:
    inside = "WHERE at_s >= ? AND at_s < ?"
    # Beside a single max(), SQLite takes the bare column s.value from the row that holds the maximum.
    rows = connection.execute(
        "SELECT s.series, d.kind, max(s.at_s), s.value, avg(s.at_s), avg(s.value) FROM sample s"
        f" JOIN series d ON d.id = s.series {inside} GROUP BY s.series, cast(s.at_s / {span_s} AS INTEGER)",
        window,
    ).fetchall()
    connection.execute(f"DELETE FROM sample {inside}", window)
    folded = [(row[0], *(row[2:4] if row[1] == "counter" else row[4:6])) for row in rows]
    connection.executemany("INSERT INTO sample VALUES (?, ?, ?)", folded)
