"""A run as it was stored: all that analysis and reports know of it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from results import schema
from results.errors import HarnessError
from results.histogram import Histogram
from results.interval import Account, Endpoint, Flow, Interval, added_errors, added_parts
from results.slo import Slo, parse_slos
from results.stages import Stages

Kind = Literal["gauge", "counter"]
Which = Literal["response", "service"]
BATCH = 64
"""Histograms decoded at a time: a day's run has 100,000, and each costs less in company."""


@dataclass(frozen=True)
class Series:
    """One metric of one instance over the run; `at_s` and `values` have shape (n,), seconds since load began.

    A counter only grows (but for a restart of what counts); difference it before showing it.
    """

    tier: str
    instance: str
    metric: str
    kind: Kind
    at_s: npt.NDArray[np.float64]
    values: npt.NDArray[np.float64]

    def between(self, from_s: float, to_s: float) -> Series:
        """The samples with from_s <= at_s < to_s."""
        inside = (self.at_s >= from_s) & (self.at_s < to_s)
        return Series(
            self.tier, self.instance, self.metric, self.kind, self.at_s[inside], self.values[inside]
        )

    def rate_per_s(self) -> Series:
        """A counter's growth per second between samples, as a gauge; a reset counts from zero."""
        if self.at_s.size < 2:
            empty = np.empty(0)
            return replace(self, kind="gauge", at_s=empty, values=empty)
        grown = np.diff(self.values)
        grown = np.where(grown < 0, self.values[1:], grown)
        return replace(self, kind="gauge", at_s=self.at_s[1:], values=grown / np.diff(self.at_s))

    @property
    def increase(self) -> float:
        """How much a counter grew from the first sample to the last; nan with fewer than two samples."""
        if self.values.size < 2:
            return float("nan")
        grown = np.diff(self.values)
        return float(np.where(grown < 0, self.values[1:], grown).sum())


@dataclass(frozen=True)
class Event:
    """Something that happened at a moment of the run: a stage began, a fault was injected, a level ended."""

    at_s: float
    kind: str
    text: str
    tier: str = ""
    instance: str = ""
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Gap:
    """A stretch in which a tier could not be asked, and why. Never a zero."""

    tier: str
    instance: str
    from_s: float
    to_s: float
    reason: str


@dataclass(frozen=True)
class Digest:
    """One normalised SQL statement's cost over the run, by the server's own count."""

    tier: str
    instance: str
    text: str
    calls: int
    total_us: float
    lock_us: float = 0.0
    rows_sent: int = 0
    rows_examined: int = 0
    errors: int = 0
    no_index: int = 0


@dataclass(frozen=True)
class LogGroup:
    """Log lines of one process that say the same, in the run's window."""

    tier: str
    instance: str
    level: str
    text: str
    lines: int
    first_s: float
    sample: str


class _StoredFlow(Flow):
    """A flow whose histogram is decoded whenever it is asked for: a day has thousands, of 32 KB each."""

    def __init__(self, figures: tuple[Any, ...], lag_stored: bytes) -> None:
        super().__init__(*figures)
        del self.wake_lag
        self._lag_stored = lag_stored

    def __getattr__(self, name: str) -> Histogram:
        if name != "wake_lag":
            raise AttributeError(name)
        return Histogram.from_bytes(self._lag_stored)


class Run:
    """One stored run, read from its run.db alone. Raises HarnessError on a file that cannot be read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
            schema.check(self._db, str(path))
            rows = self._db.execute("SELECT key, value FROM info").fetchall()
        except sqlite3.Error as damage:
            raise HarnessError(f"{path} cannot be read ({damage})") from damage
        self.info: dict[str, Any] = {key: json.loads(value) for key, value in rows}

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    # What was asked

    @property
    def id(self) -> str:
        """The run's name, unique in its runs folder."""
        return str(self.info["id"])

    @property
    def kind(self) -> str:
        """run, capacity or duel."""
        return str(self.info.get("kind", "run"))

    @property
    def scenario(self) -> str:
        """The locustfile that made the load."""
        return str(self.info["scenario"])

    @property
    def target(self) -> str:
        """The name of the target."""
        return str(self.info["target"])

    @property
    def started_at(self) -> datetime:
        """When load began, with its time zone."""
        return datetime.fromisoformat(self.info["started_at"])

    @property
    def stages(self) -> Stages | None:
        """The planned load; None where the rate was steered while running (a capacity search)."""
        return Stages.parse(self.info["stages"]) if self.info.get("stages") else None

    @property
    def slos(self) -> list[Slo]:
        """The objectives the run is held to."""
        return parse_slos(self.info.get("slos", ""))

    @property
    def warmup_s(self) -> float:
        """The first seconds, which no figure includes."""
        return float(self.info.get("warmup_s", 0))

    @property
    def plan(self) -> dict[str, Any]:
        """Everything that was asked, as validated."""
        return dict(self.info.get("plan", {}))

    @property
    def environment(self) -> dict[str, Any]:
        """What was run on what: `versions`, `knobs` and `host`, each a dict."""
        return dict(self.info.get("environment", {}))

    # What happened

    @property
    def state(self) -> str:
        """running (or killed while so), finished, interrupted by the user, or aborted for a reason."""
        return str(self.info.get("state", "running"))

    @cached_property
    def duration_s(self) -> float:
        """Seconds of load: as planned, or up to the last second that was measured."""
        if "duration_s" in self.info:
            return float(self.info["duration_s"])
        (last,) = self._db.execute("SELECT max(second) FROM flow").fetchone()
        return 0.0 if last is None else float(last) + 1

    @cached_property
    def endpoints(self) -> list[Endpoint]:
        """Every endpoint that was called, in order of first appearance."""
        return list(self._endpoint_ids)

    @cached_property
    def _endpoint_ids(self) -> dict[Endpoint, int]:
        rows = self._db.execute("SELECT id, name, kind, setup FROM endpoint ORDER BY id")
        return {Endpoint(name, kind, bool(setup)): number for number, name, kind, setup in rows}

    def intervals(
        self, endpoint: Endpoint | str | None = None, start_s: float | None = None, end_s: float | None = None
    ) -> Iterator[Interval]:
        """Intervals with start_s <= second < end_s in order of time; of one endpoint (by name) or all.

        Where response and service times were the same, both are one histogram: add to a copy.
        """
        where, values = self._where(endpoint, start_s, end_s)
        by_id = {number: named for named, number in self._endpoint_ids.items()}
        errors = self._details("SELECT second, endpoint, kind, requests, sample FROM error" + where, values)
        parts = self._details(
            "SELECT second, endpoint, name, requests, sum_us, max_us FROM part" + where, values
        )
        query = "SELECT second, span_s, generator, endpoint, failed, bytes, service, response FROM interval"
        rows = self._db.execute(query + where + " ORDER BY second", values)
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
                added_errors(errors.pop((second, number), [])),
                added_parts(parts.pop((second, number), [])),
                span_s,
            )

    def merged(
        self,
        endpoint: Endpoint | str | None = None,
        start_s: float | None = None,
        end_s: float | None = None,
        which: Which = "response",
        setup: bool = False,
    ) -> Histogram:
        """The histogram of a window over one endpoint or all; setup requests only when asked for."""
        where, values = self._where(endpoint, start_s, end_s)
        column = "service" if which == "service" else "coalesce(response, service)"
        if endpoint is None and not setup:
            where += (
                " AND" if where else " WHERE"
            ) + " endpoint IN (SELECT id FROM endpoint WHERE NOT setup)"
        found = self._db.execute(f"SELECT {column} FROM interval{where}", values)
        total = Histogram()
        while batch := found.fetchmany(BATCH):
            for histogram in Histogram.all_from_bytes([blob for (blob,) in batch]):
                total += histogram
        return total

    @cached_property
    def flows(self) -> list[Flow]:
        """What became of the arrivals, by second and generator."""
        rows = self._db.execute(
            "SELECT second, generator, scheduled, started, finished, failed, requests, in_flight, backlog,"
            " users, wake_lag FROM flow ORDER BY second, generator"
        )
        return [_StoredFlow(row[:-1], row[-1]) for row in rows]

    @cached_property
    def accounts(self) -> dict[str, Account]:
        """The account of every arrival, by generator."""
        rows = self._db.execute(
            "SELECT generator, scheduled, finished, failed, unfinished, never_started FROM account"
        )
        return {generator: Account(*counts) for generator, *counts in rows}

    @property
    def account(self) -> Account:
        """The account of every arrival over all generators."""
        return sum(self.accounts.values(), Account())

    # What each tier said

    def series(
        self, tier: str | None = None, instance: str | None = None, metric: str | None = None
    ) -> list[Series]:
        """Series that match every name given, in order of tier, instance and metric."""
        wanted = [("tier", tier), ("instance", instance), ("metric", metric)]
        given = [(column, value) for column, value in wanted if value is not None]
        where = " WHERE " + " AND ".join(f"{column} = ?" for column, _ in given) if given else ""
        query = f"SELECT id, tier, instance, metric, kind FROM series{where} ORDER BY tier, instance, metric"
        found = self._db.execute(query, [value for _, value in given]).fetchall()
        return [self._read_series(*row) for row in found]

    def _read_series(self, number: int, tier: str, instance: str, metric: str, kind: Kind) -> Series:
        rows = self._db.execute("SELECT at_s, value FROM sample WHERE series = ? ORDER BY at_s", (number,))
        table = np.array(rows.fetchall(), dtype=np.float64).reshape(-1, 2)
        return Series(tier, instance, metric, kind, table[:, 0].copy(), table[:, 1].copy())

    @cached_property
    def events(self) -> list[Event]:
        """What happened, in order of time."""
        rows = self._db.execute("SELECT at_s, kind, text, tier, instance, data FROM event ORDER BY at_s")
        return [Event(*(*row[:-1], json.loads(row[-1]))) for row in rows]

    @property
    def levels(self) -> list[Event]:
        """The levels of a capacity search; data has from_s, to_s, rate_per_s, purpose and passed."""
        return [event for event in self.events if event.kind == "level"]

    @cached_property
    def gaps(self) -> list[Gap]:
        """Where a tier could not be asked."""
        rows = self._db.execute("SELECT tier, instance, from_s, to_s, reason FROM gap ORDER BY from_s")
        return [Gap(*row) for row in rows]

    @cached_property
    def digests(self) -> list[Digest]:
        """SQL statements by total time, the costliest first."""
        rows = self._db.execute(
            "SELECT tier, instance, text, calls, total_us, lock_us, rows_sent, rows_examined, errors,"
            " no_index FROM digest ORDER BY total_us DESC"
        )
        return [Digest(*row) for row in rows]

    @cached_property
    def logs(self) -> list[LogGroup]:
        """Groups of warnings and errors, the most frequent first."""
        rows = self._db.execute(
            "SELECT tier, instance, level, text, lines, first_s, sample FROM log ORDER BY lines DESC"
        )
        return [LogGroup(*row) for row in rows]

    def _where(
        self, endpoint: Endpoint | str | None, start_s: float | None, end_s: float | None
    ) -> tuple[str, list[float]]:
        clauses: list[str] = []
        values: list[float] = []
        if endpoint is not None:
            numbers = [
                number
                for named, number in self._endpoint_ids.items()
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

    def _details(self, query: str, values: list[float]) -> dict[tuple[int, int], list[tuple[Any, ...]]]:
        """Rows of a side table by (second, endpoint), without these two columns."""
        found: dict[tuple[int, int], list[tuple[Any, ...]]] = {}
        for second, endpoint, *rest in self._db.execute(query, values):
            found.setdefault((second, endpoint), []).append(tuple(rest))
        return found


def _decoded(rows: sqlite3.Cursor) -> Iterator[tuple[tuple[Any, ...], Histogram, Histogram]]:
    """Rows that end with a service and a response blob, with both as histograms, batch by batch."""
    while batch := rows.fetchmany(BATCH):
        services = Histogram.all_from_bytes([row[-2] for row in batch])
        others = iter(Histogram.all_from_bytes([row[-1] for row in batch if row[-1] is not None]))
        for row, service in zip(batch, services, strict=True):
            yield row[:-2], service, service if row[-1] is None else next(others)


def open_run(path: str | Path) -> Run:
    """The run in a run.db, or in the folder that holds one. Raises HarnessError if there is none."""
    place = Path(path)
    file = place / "run.db" if place.is_dir() else place
    if not file.is_file():
        raise HarnessError(f"no run at {place}: 'harness runs' lists what there is")
    return Run(file)


def find_runs(folder: Path) -> Iterable[Path]:
    """Every run.db below a runs folder, newest first by name (ids begin with their date)."""
    return sorted(folder.glob("*/run.db"), key=lambda file: file.parent.name, reverse=True)
