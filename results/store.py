"""Writing a run.db: one writer, a transaction a second: a killed run loses at most its last second."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, Self

from results import folding, schema
from results.errors import HarnessError
from results.interval import Account, Endpoint, Flow, Interval
from results.records import Digest, Event, Gap, LogGroup
from results.series import Kind

_SET_INFO = "INSERT OR REPLACE INTO info VALUES (?, ?)"


class Sample(NamedTuple):
    """One value of one metric at one moment; the metric's name ends with its unit where it has one."""

    at_s: float
    tier: str
    instance: str
    metric: str
    value: float
    kind: Kind = "gauge"


class RunWriter:
    """The only writer of a run. Nothing is on disk before `commit`; a full disk raises HarnessError."""

    def __init__(self, path: Path, **info: Any) -> None:
        """Create run.db with what is known of the run at its start (see results.run.Run for the keys)."""
        self.path = path
        self._endpoints: dict[Endpoint, int] = {}
        self._series: dict[tuple[str, str, str], int] = {}
        self._folded_s = 0
        with _said_plainly(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            _begin(path, {"kind": "run", "state": "running", **info})
            self._db = sqlite3.connect(path, check_same_thread=False)
            # A write-ahead log keeps a reader (a live report) out of the writer's way and commits cheap.
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")

    def update(self, **info: Any) -> None:
        """Set or replace facts of the run."""
        self._write(_SET_INFO, _info_rows(info))

    def add_intervals(self, intervals: Iterable[Interval]) -> None:
        """Store requests by second and endpoint. A second may come in several pieces: readers add them up."""
        rows, errors, parts = [], [], []
        for piece in intervals:
            number = self._endpoint(piece.endpoint)
            response = None if piece.response == piece.service else piece.response.to_bytes()
            rows.append(
                (
                    *(piece.second, piece.span_s, piece.generator, number, piece.count, piece.failed),
                    *(piece.bytes_received, piece.service.to_bytes(), response),
                )
            )
            errors += [(piece.second, number, kind, *seen) for kind, seen in piece.errors.items()]
            parts += [(piece.second, number, name, *part) for name, part in piece.parts.items()]
        self._write("INSERT INTO interval VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        self._write("INSERT INTO error VALUES (?, ?, ?, ?, ?)", errors)
        self._write("INSERT INTO part VALUES (?, ?, ?, ?, ?, ?)", parts)

    def add_flows(self, flows: Iterable[Flow]) -> None:
        """Store what became of the arrivals."""
        rows = [
            (
                *(f.second, f.generator, f.scheduled, f.started, f.finished, f.failed),
                *(f.requests, f.in_flight, f.backlog, f.users, f.wake_lag.to_bytes(), 1),
            )
            for f in flows
        ]
        self._write("INSERT INTO flow VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def set_account(self, generator: str, account: Account) -> None:
        """Store one generator's account of its arrivals, in place of an earlier one."""
        figures = (
            account.scheduled,
            account.finished,
            account.failed,
            account.unfinished,
            account.never_started,
        )
        self._write("INSERT OR REPLACE INTO account VALUES (?, ?, ?, ?, ?, ?)", [(generator, *figures)])

    def add_samples(self, samples: Iterable[Sample]) -> None:
        """Store what tiers said. Of two samples of a series at the same moment the later one stays."""
        rows = [(self._series_number(sample), sample.at_s, sample.value) for sample in samples]
        self._write("INSERT OR REPLACE INTO sample VALUES (?, ?, ?)", rows)

    def add_events(self, events: Iterable[Event]) -> None:
        """Store what happened."""
        rows = [(e.at_s, e.kind, e.tier, e.instance, e.text, json.dumps(e.data)) for e in events]
        self._write("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?)", rows)

    def add_gaps(self, gaps: Iterable[Gap]) -> None:
        """Store where a tier could not be asked."""
        rows = [(g.tier, g.instance, g.from_s, g.to_s, g.reason) for g in gaps]
        self._write("INSERT INTO gap VALUES (?, ?, ?, ?, ?)", rows)

    def add_digests(self, digests: Iterable[Digest]) -> None:
        """Store what SQL statements cost."""
        rows = [
            (
                *(d.tier, d.instance, d.text, d.calls, d.total_us, d.lock_us),
                *(d.rows_sent, d.rows_examined, d.errors, d.no_index),
            )
            for d in digests
        ]
        self._write("INSERT INTO digest VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def add_logs(self, groups: Iterable[LogGroup]) -> None:
        """Store groups of log lines."""
        rows = [(g.tier, g.instance, g.level, g.text, g.lines, g.first_s, g.sample) for g in groups]
        self._write("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def fold(self, before_s: float, edges_s: Iterable[float] = ()) -> None:
        """Make pieces of 10 s of what lies before `before_s` and is not folded yet: a day then fits in 60 MB.

        A piece that one of `edges_s` would cut keeps its seconds.
        """
        before = int(before_s // folding.PIECE_S) * folding.PIECE_S
        if before <= self._folded_s:
            return
        with _said_plainly(self.path):
            folding.fold(self._db, self._folded_s, before, edges_s)
        self._folded_s = before

    def commit(self) -> None:
        """Put everything so far on disk."""
        with _said_plainly(self.path):
            self._db.commit()

    def close(self, state: str = "finished", **info: Any) -> None:
        """Commit with the final state and fold the write-ahead log into the one file."""
        self.update(state=state, **info)
        self.commit()
        with _said_plainly(self.path):
            # Someone may be reading at this moment: the log then stays beside the file, and nothing is lost.
            with suppress(sqlite3.OperationalError):
                self._db.execute("PRAGMA journal_mode = DELETE")
            if self._folded_s:
                with suppress(sqlite3.OperationalError):
                    self._db.execute("VACUUM")
            self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close("finished" if kind is None else "aborted")

    def _write(self, statement: str, rows: list[Any]) -> None:
        with _said_plainly(self.path):
            self._db.executemany(statement, rows)

    def _endpoint(self, endpoint: Endpoint) -> int:
        if endpoint not in self._endpoints:
            self._endpoints[endpoint] = len(self._endpoints) + 1
            self._write("INSERT INTO endpoint VALUES (?, ?, ?, ?)", [(self._endpoints[endpoint], *endpoint)])
        return self._endpoints[endpoint]

    def _series_number(self, sample: Sample) -> int:
        key = (sample.tier, sample.instance, sample.metric)
        if key not in self._series:
            self._series[key] = len(self._series) + 1
            self._write("INSERT INTO series VALUES (?, ?, ?, ?, ?)", [(self._series[key], *key, sample.kind)])
        return self._series[key]


def conclude(path: Path, **info: Any) -> None:
    """Set what was concluded from a run that is closed. Raises HarnessError if it cannot be written."""
    with _said_plainly(path), closing(sqlite3.connect(path)) as db, db:
        db.executemany(_SET_INFO, _info_rows(info))


def _begin(path: Path, info: dict[str, Any]) -> None:
    """Lay out a run.db with its first facts. It has its name only when whoever lists runs can read it."""
    if path.exists():
        raise FileExistsError(f"{path.name} is there already")
    begun = path.with_name(f"{path.name}.new")
    begun.unlink(missing_ok=True)
    with closing(sqlite3.connect(begun)) as made, made:
        schema.create(made)
        made.executemany(_SET_INFO, _info_rows(info))
    begun.rename(path)


def _info_rows(info: dict[str, Any]) -> list[tuple[str, str]]:
    return [(key, json.dumps(value)) for key, value in info.items()]


@contextmanager
def _said_plainly(path: Path) -> Iterator[None]:
    """Turn what the disk says into one line that says what to do."""
    try:
        yield
    except (sqlite3.Error, OSError) as problem:
        full = "full" in str(problem) or "No space" in str(problem)
        what = "the disk is full: free some space" if full else str(problem)
        raise HarnessError(f"cannot write {path}: {what}; what was stored before is kept") from problem
