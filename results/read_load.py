"""What a run.db holds of the load: requests by second and endpoint, arrivals by second and generator."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from results.histogram import Histogram
from results.interval import Account, Endpoint, Flow, Interval, added_errors, added_parts

Which = Literal["response", "service"]
Ids = Mapping[Endpoint, int]
"""The number of each endpoint in the tables."""
BATCH = 64
"""Histograms decoded at a time: a day's run has 100,000, and each costs less in company."""


def endpoint_ids(db: sqlite3.Connection) -> dict[Endpoint, int]:
    """Every endpoint that was called, in order of first appearance, with its number in the tables."""
    rows = db.execute("SELECT id, name, kind, setup FROM endpoint ORDER BY id")
    return {Endpoint(name, kind, bool(setup)): number for number, name, kind, setup in rows}


def intervals(
    db: sqlite3.Connection,
    ids: Ids,
    endpoint: Endpoint | str | None,
    start_s: float | None,
    end_s: float | None,
) -> Iterator[Interval]:
    """Intervals of a window in order of time; of one endpoint (by name) or all."""
    where, values = _where(ids, endpoint, start_s, end_s)
    by_id = {number: named for named, number in ids.items()}
    ordered = where + " ORDER BY second, rowid"
    told = "SELECT second, endpoint, kind, requests, sample FROM error"
    errors = _Beside(db.execute(told + ordered, values))
    told = "SELECT second, endpoint, name, requests, sum_us, max_us FROM part"
    parts = _Beside(db.execute(told + ordered, values))
    query = "SELECT second, span_s, generator, endpoint, failed, bytes, service, response FROM interval"
    rows = db.execute(query + ordered, values)
    for row, service, response in _decoded(rows):
        second, span_s, generator, number, failed, received = row
        yield Interval(
            second,
            generator,
            by_id[number],
            service,
            response,
            failed,
            received,
            added_errors(errors.take(second, number)),
            added_parts(parts.take(second, number)),
            span_s,
        )


def merged(
    db: sqlite3.Connection,
    ids: Ids,
    endpoint: Endpoint | str | None,
    start_s: float | None,
    end_s: float | None,
    which: Which,
    setup: bool,
) -> Histogram:
    """The histogram of a window over one endpoint or all; setup requests only when asked for."""
    where, values = _where(ids, endpoint, start_s, end_s)
    column = "service" if which == "service" else "coalesce(response, service)"
    if endpoint is None and not setup:
        where += (" AND" if where else " WHERE") + " endpoint IN (SELECT id FROM endpoint WHERE NOT setup)"
    found = db.execute(f"SELECT {column} FROM interval{where}", values)
    total = Histogram()
    while batch := found.fetchmany(BATCH):
        for histogram in Histogram.all_from_bytes([blob for (blob,) in batch]):
            total += histogram
    return total


def flows(db: sqlite3.Connection) -> list[Flow]:
    """What became of the arrivals, by second and generator; of a folded piece, its mean second by second."""
    rows = db.execute(
        "SELECT second, generator, scheduled, started, finished, failed, requests, in_flight, backlog,"
        " users, wake_lag, span_s FROM flow"
    )
    found = [flow for row in rows for flow in _by_second(row)]
    return sorted(found, key=lambda flow: (flow.second, flow.generator))


def accounts(db: sqlite3.Connection) -> dict[str, Account]:
    """The account of every arrival, by generator."""
    rows = db.execute("SELECT generator, scheduled, finished, failed, unfinished, never_started FROM account")
    return {generator: Account(*counts) for generator, *counts in rows}


def last_second(db: sqlite3.Connection) -> int | None:
    """The last second that was measured; None without any."""
    (last,) = db.execute("SELECT max(second + span_s - 1) FROM flow").fetchone()
    return None if last is None else int(last)


class _StoredFlow(Flow):
    """A flow whose histogram is decoded whenever it is asked for: a day has thousands, of 32 KB each."""

    def __init__(self, figures: tuple[Any, ...], lag_stored: bytes) -> None:
        super().__init__(*figures)
        del self.wake_lag
        self._lag_stored = lag_stored

    def __getattr__(self, name: str) -> Histogram:
        if name != "wake_lag":
            raise AttributeError(name)
        return Histogram.from_bytes(self._lag_stored) if self._lag_stored else Histogram()


def _by_second(row: tuple[Any, ...]) -> Iterator[Flow]:
    """A stored flow as one of each second: counts are divided and add up, the lag is in the first."""
    second, generator, *figures, lag_stored, span_s = row
    counts, gauges = figures[:5], figures[5:]
    for at in range(span_s):
        shares = [count * (at + 1) // span_s - count * at // span_s for count in counts]
        yield _StoredFlow((second + at, generator, *shares, *gauges), b"" if at else lag_stored)


def _where(
    ids: Ids, endpoint: Endpoint | str | None, start_s: float | None, end_s: float | None
) -> tuple[str, list[float]]:
    clauses: list[str] = []
    values: list[float] = []
    if endpoint is not None:
        numbers = [
            number
            for named, number in ids.items()
            if endpoint in (named, named.name) and not (isinstance(endpoint, str) and named.setup)
        ]
        clauses.append(f"endpoint IN ({','.join('?' * len(numbers))})")
        values += numbers
    if start_s is not None:
        clauses.append("second >= ?")
        values.append(start_s)
    if end_s is not None:
        clauses.append("second < ?")
        values.append(end_s)
    return (" WHERE " + " AND ".join(clauses) if clauses else ""), values


class _Beside:
    """A side table's rows, handed out second by second as the intervals come: a day has a million of them."""

    def __init__(self, rows: Iterator[tuple[Any, ...]]) -> None:
        """`rows` begin with second and endpoint and are in order of the second."""
        self._rows = rows
        self._next = next(rows, None)
        self._second = -1
        self._held: dict[int, list[tuple[Any, ...]]] = {}

    def take(self, second: int, endpoint: int) -> list[tuple[Any, ...]]:
        """The rows of an endpoint's second without these two columns; taken once, they are gone."""
        if second > self._second:
            self._second, self._held = second, {}
        while self._next is not None and self._next[0] <= second:
            at, number, *rest = self._next
            if at == second:
                self._held.setdefault(number, []).append(tuple(rest))
            self._next = next(self._rows, None)
        return self._held.pop(endpoint, [])


def _decoded(rows: sqlite3.Cursor) -> Iterator[tuple[tuple[Any, ...], Histogram, Histogram]]:
    """Rows that end with a service and a response blob, with both as histograms, batch by batch."""
    while batch := rows.fetchmany(BATCH):
        services = Histogram.all_from_bytes([row[-2] for row in batch])
        others = iter(Histogram.all_from_bytes([row[-1] for row in batch if row[-1] is not None]))
        for row, service in zip(batch, services, strict=True):
            yield row[:-2], service, service if row[-1] is None else next(others)
