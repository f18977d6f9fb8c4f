"""What a run.db holds of what each tier said: series, events, gaps, statements and logs."""

from __future__ import annotations

import json
import sqlite3

import numpy as np

from results.records import Digest, Event, Gap, LogGroup
from results.series import Kind, Series


def series(
    db: sqlite3.Connection, tier: str | None, instance: str | None, metric: str | None
) -> list[Series]:
    """Series that match every name given, in order of tier, instance and metric."""
    wanted = [("tier", tier), ("instance", instance), ("metric", metric)]
    given = [(column, value) for column, value in wanted if value is not None]
    where = " WHERE " + " AND ".join(f"{column} = ?" for column, _ in given) if given else ""
    query = f"SELECT id, tier, instance, metric, kind FROM series{where} ORDER BY tier, instance, metric"
    found = db.execute(query, [value for _, value in given]).fetchall()
    return [_series(db, *row) for row in found]


def _series(db: sqlite3.Connection, number: int, tier: str, instance: str, metric: str, kind: Kind) -> Series:
    rows = db.execute("SELECT at_s, value FROM sample WHERE series = ? ORDER BY at_s", (number,))
    table = np.array(rows.fetchall(), dtype=np.float64).reshape(-1, 2)
    return Series(tier, instance, metric, kind, table[:, 0].copy(), table[:, 1].copy())


def events(db: sqlite3.Connection) -> list[Event]:
    """What happened, in order of time."""
    rows = db.execute("SELECT at_s, kind, text, tier, instance, data FROM event ORDER BY at_s")
    return [Event(*(*row[:-1], json.loads(row[-1]))) for row in rows]


def gaps(db: sqlite3.Connection) -> list[Gap]:
    """Where a tier could not be asked."""
    rows = db.execute("SELECT tier, instance, from_s, to_s, reason FROM gap ORDER BY from_s")
    return [Gap(*row) for row in rows]


def digests(db: sqlite3.Connection) -> list[Digest]:
    """SQL statements by total time, the costliest first."""
    rows = db.execute(
        "SELECT tier, instance, text, calls, total_us, lock_us, rows_sent, rows_examined, errors,"
        " no_index FROM digest ORDER BY total_us DESC"
    )
    return [Digest(*row) for row in rows]


def logs(db: sqlite3.Connection) -> list[LogGroup]:
    """Groups of warnings and errors, the most frequent first."""
    rows = db.execute(
        "SELECT tier, instance, level, text, lines, first_s, sample FROM log ORDER BY lines DESC"
    )
    return [LogGroup(*row) for row in rows]
