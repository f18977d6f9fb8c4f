"""The tables of a run.db and how older ones become today's."""

from __future__ import annotations

import sqlite3
from typing import Final

from results.errors import HarnessError

VERSION: Final = 2
"""1: the first version. 2: a flow says how many seconds it covers."""

_TABLES = """
CREATE TABLE info (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;  -- value is JSON
CREATE TABLE endpoint (id INTEGER PRIMARY KEY, name TEXT, kind TEXT, setup INTEGER,
    UNIQUE (name, kind, setup));
CREATE TABLE interval (
    second INTEGER, span_s INTEGER, generator TEXT, endpoint INTEGER REFERENCES endpoint,
    requests INTEGER, failed INTEGER, bytes INTEGER,
    service BLOB, response BLOB                       -- response is NULL where it equals service
);
CREATE TABLE error (second INTEGER, endpoint INTEGER REFERENCES endpoint, kind TEXT, requests INTEGER,
    sample TEXT);
CREATE TABLE part (second INTEGER, endpoint INTEGER REFERENCES endpoint, name TEXT, requests INTEGER,
    sum_us REAL, max_us REAL);
CREATE TABLE flow (
    second INTEGER, generator TEXT, scheduled INTEGER, started INTEGER, finished INTEGER, failed INTEGER,
    requests INTEGER, in_flight INTEGER, backlog INTEGER, users INTEGER, wake_lag BLOB, span_s INTEGER
);
CREATE TABLE account (generator TEXT PRIMARY KEY, scheduled INTEGER, finished INTEGER, failed INTEGER,
    unfinished INTEGER, never_started INTEGER) WITHOUT ROWID;
CREATE TABLE series (id INTEGER PRIMARY KEY, tier TEXT, instance TEXT, metric TEXT, kind TEXT,
    UNIQUE (tier, instance, metric));
CREATE TABLE sample (series INTEGER, at_s REAL, value REAL, PRIMARY KEY (series, at_s)) WITHOUT ROWID;
CREATE TABLE event (at_s REAL, kind TEXT, tier TEXT, instance TEXT, text TEXT, data TEXT);
CREATE TABLE gap (tier TEXT, instance TEXT, from_s REAL, to_s REAL, reason TEXT);
CREATE TABLE digest (tier TEXT, instance TEXT, text TEXT, calls INTEGER, total_us REAL, lock_us REAL,
    rows_sent INTEGER, rows_examined INTEGER, errors INTEGER, no_index INTEGER);
CREATE TABLE log (tier TEXT, instance TEXT, level TEXT, text TEXT, lines INTEGER, first_s REAL, sample TEXT);
"""


def create(connection: sqlite3.Connection) -> None:
    """Lay out an empty run.db."""
    connection.executescript(_TABLES)
    connection.execute(f"PRAGMA user_version = {VERSION}")


def check(connection: sqlite3.Connection, path: str) -> None:
    """Let an older run.db be read as one of today.

    Raises HarnessError when the file is no run.db, or one that only a newer harness can read.
    """
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.DatabaseError as damage:
        raise HarnessError(f"{path} is not a run.db, or is damaged ({damage})") from damage
    if version > VERSION:
        raise HarnessError(
            f"{path} was written by a newer harness (schema {version}, this one reads up to {VERSION}):"
            " update this harness"
        )
    if version == 0:
        raise HarnessError(f"{path} is not a run.db: no schema in it")
    if version == 1:
        connection.execute("CREATE TEMP VIEW flow AS SELECT *, 1 AS span_s FROM main.flow")
