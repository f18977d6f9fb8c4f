"""MySQL or MariaDB, primary or replica: connections, locks, buffer pool, digests, replication lag."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Any

import pymysql
from pymysql.cursors import DictCursor

from probes.probe import ProbeError, Reading, Unknown
from results import Digest
from results.run import Kind

_STATUS: dict[str, tuple[str, Kind]] = {
    "Threads_connected": ("connections", "gauge"),
    "Threads_running": ("threads_running", "gauge"),
    "Questions": ("questions", "counter"),
    "Com_select": ("selects", "counter"),
    "Com_insert": ("inserts", "counter"),
    "Com_update": ("updates", "counter"),
    "Com_delete": ("deletes", "counter"),
    "Com_commit": ("commits", "counter"),
    "Com_rollback": ("rollbacks", "counter"),
    "Slow_queries": ("slow_queries", "counter"),
    "Handler_read_rnd_next": ("rows_scanned", "counter"),
    "Innodb_row_lock_waits": ("row_lock_waits", "counter"),
    "Innodb_row_lock_time": ("row_lock_time_ms", "counter"),
    "Innodb_row_lock_current_waits": ("row_lock_current_waits", "gauge"),
    "Innodb_buffer_pool_reads": ("buffer_pool_reads", "counter"),
    "Innodb_buffer_pool_read_requests": ("buffer_pool_read_requests", "counter"),
    "Connection_errors_max_connections": ("refused_connections", "counter"),
    "Created_tmp_disk_tables": ("disk_temporary_tables", "counter"),
}
# The server has some 500 of them; to read these alone costs a quarter.
_SHOW_STATUS = "SHOW GLOBAL STATUS WHERE Variable_name IN ({})".format(
    ", ".join(f"'{name}'" for name in [*_STATUS, "Innodb_deadlocks"])
)
_DIGESTS = (
    "SELECT DIGEST_TEXT AS text, COUNT_STAR AS calls, SUM_TIMER_WAIT / 1e6 AS total_us,"
    " SUM_LOCK_TIME / 1e6 AS lock_us, SUM_ROWS_SENT AS rows_sent, SUM_ROWS_EXAMINED AS rows_examined,"
    " SUM_ERRORS AS errors, SUM_NO_INDEX_USED AS no_index"
    " FROM performance_schema.events_statements_summary_by_digest WHERE SCHEMA_NAME = %s"
)
_LAG = "SELECT TIMESTAMPDIFF(MICROSECOND, at, UTC_TIMESTAMP(6)) / 1000 AS lag_ms FROM heartbeat WHERE id = 1"
_COUNTS = ("calls", "rows_sent", "rows_examined", "errors", "no_index")
_FIGURES = ("total_us", "lock_us", *_COUNTS)
MOST_DIGESTS = 50

Login = dict[str, Any]


class DatabaseProbe:
    """One server, asked over a connection of its own that is made again when it was lost."""

    def __init__(self, tier: str, login: Login) -> None:
        """`login` has host, port, user, password and database."""
        self.tier = tier
        self.instance = tier
        self._login = login
        self._connection: pymysql.Connection[DictCursor] | None = None
        self._before: dict[str, dict[str, Any]] | None = None
        self._connections_max: float | None = None

    def sample(self) -> list[Reading | Unknown]:
        """What it says now. Raises ProbeError."""
        if self._connections_max is None:
            self._connections_max = float(self.ask("SELECT @@max_connections AS n")[0]["n"])
        told = {row["Variable_name"]: row["Value"] for row in self.ask(_SHOW_STATUS)}
        readings: list[Reading | Unknown] = [
            Reading(m, float(told[key]), kind) for key, (m, kind) in _STATUS.items() if key in told
        ]
        readings.append(Reading("connections_max", self._connections_max))
        if "Innodb_deadlocks" in told:
            readings.append(Reading("deadlocks", float(told["Innodb_deadlocks"]), "counter"))
        if self.tier == "replica":
            readings += self._replication()
        if self._before is None:
            self._before = self._read_digests()
        return readings

    def _replication(self) -> list[Reading | Unknown]:
        try:
            rows = self.ask("SHOW REPLICA STATUS")
        except ProbeError:
            rows = self.ask("SHOW SLAVE STATUS")
        if not rows:
            return [Unknown("sql_running", f"{self.tier}: the server is no replica")]
        row = rows[0]

        def first(*names: str) -> Any:
            return next((row[name] for name in names if name in row), None)

        io, sql = (
            first("Replica_IO_Running", "Slave_IO_Running"),
            first("Replica_SQL_Running", "Slave_SQL_Running"),
        )
        readings: list[Reading | Unknown] = [
            Reading("io_running", float(io == "Yes")),
            Reading("sql_running", float(sql == "Yes")),
        ]
        behind = first("Seconds_Behind_Source", "Seconds_Behind_Master")
        if behind is None:
            stopped = "a replication thread is stopped, so the server cannot tell how far it is behind"
            readings.append(Unknown("seconds_behind", f"{self.tier}: {stopped}"))
        else:
            readings.append(Reading("seconds_behind", float(behind)))
        return readings

    def digests(self) -> list[Digest]:
        """What statements cost since the first sample; empty where performance_schema is off or closed."""
        before = self._before or {}
        found = []
        for text, row in self._read_digests().items():
            earlier = before.get(text, {})
            grown = {name: float(row[name]) - float(earlier.get(name, 0)) for name in _FIGURES}
            if grown["calls"] < 0:  # the server was restarted: its count began at zero
                grown = {name: float(row[name]) for name in _FIGURES}
            if grown["calls"] > 0:
                counts = {name: int(grown[name]) for name in _COUNTS}
                found.append(
                    Digest(
                        self.tier,
                        self.instance,
                        text,
                        total_us=grown["total_us"],
                        lock_us=grown["lock_us"],
                        **counts,
                    )
                )
        return sorted(found, key=lambda digest: -digest.total_us)[:MOST_DIGESTS]

    def _read_digests(self) -> dict[str, dict[str, Any]]:
        try:
            rows = self.ask(_DIGESTS, (self._login["database"],))
        except ProbeError:
            return {}
        return {row["text"]: row for row in rows if row["text"]}

    def missing(self) -> str:
        """One line on what this account cannot see; empty where it sees all."""
        try:
            enabled = self.ask("SELECT @@performance_schema AS enabled")[0]["enabled"]
            self.ask(_DIGESTS + " LIMIT 1", (self._login["database"],))
        except ProbeError as problem:
            return f"{self.tier}: no statement digests ({problem})"
        return (
            ""
            if enabled
            else f"{self.tier}: performance_schema is off, so there will be no statement digests"
        )

    def ask(self, sql: str, args: tuple[Any, ...] = ()) -> list[dict[str, Any]]:
        """Rows of a statement. Raises ProbeError."""
        try:
            if self._connection is None:
                self._connection = connect(self._login)
            with self._connection.cursor() as cursor:
                cursor.execute(sql, args)
                return list(cursor.fetchall())
        except (pymysql.OperationalError, pymysql.InterfaceError, OSError) as problem:
            self.close()
            raise ProbeError(said(self.tier, problem)) from problem
        except pymysql.MySQLError as problem:
            raise ProbeError(said(self.tier, problem)) from problem

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            with contextlib.suppress(pymysql.MySQLError, OSError):
                self._connection.close()
            self._connection = None


class LagProbe:
    """Replication lag as a reader sees it: a heartbeat row written on the primary, read on the replica.

    Resolution is the beat's; a replica that does not apply shows a lag that grows, never zero.
    """

    tier = "replica"
    instance = "replica"
    BEAT_S = 0.05
    STALLED_S = 1.0
    """Without a beat for so long, an old row on the replica says nothing about the replica."""

    def __init__(self, primary: Login, replica: Login) -> None:
        self._primary = {**primary, "schema": "harness"}
        self._replica = DatabaseProbe("replica", {**replica, "schema": "harness"})
        self._stop = threading.Event()
        self._begun = threading.Event()
        """Set once the first beat was written, or could not be."""
        self._problem = ""
        self._beaten_at = 0.0
        self._beater: threading.Thread | None = None

    def sample(self) -> list[Reading]:
        """The lag now, in ms. Raises ProbeError."""
        if self._beater is None:
            self._beater = threading.Thread(target=self._beat, daemon=True, name="heartbeat")
            self._beater.start()
            self._begun.wait(self.STALLED_S)
        if self._problem:
            raise ProbeError(self._problem)
        if time.monotonic() - self._beaten_at > self.STALLED_S:
            raise ProbeError("replica: no lag, because the primary does not take the heartbeat's write")
        rows = self._replica.ask(_LAG)
        if not rows:  # the very first beat is on its way
            self._stop.wait(4 * self.BEAT_S)
            rows = self._replica.ask(_LAG)
        if not rows:
            raise ProbeError("replica: no heartbeat has arrived")
        # A row is on average half a beat old when nothing lags.
        return [Reading("lag_ms", max(float(rows[0]["lag_ms"]) - self.BEAT_S * 500, 0.0))]

    def _beat(self) -> None:
        writer = DatabaseProbe("primary", self._primary)
        while not self._stop.wait(self.BEAT_S):
            try:
                writer.ask("REPLACE INTO heartbeat VALUES (1, UTC_TIMESTAMP(6))")
                self._problem, self._beaten_at = "", time.monotonic()
            except ProbeError as problem:
                self._problem = f"replica: no lag, because the heartbeat cannot be written ({problem})"
            self._begun.set()
        writer.close()

    def close(self) -> None:
        """Stop the heartbeat."""
        self._stop.set()
        if self._beater is not None:
            self._beater.join(timeout=3)
        self._replica.close()


def connect(login: Login) -> pymysql.Connection[DictCursor]:
    """A connection with short patience."""
    return pymysql.connect(
        host=login["host"],
        port=login["port"],
        user=login["user"],
        password=login["password"],
        database=login.get("schema") or None,
        autocommit=True,
        connect_timeout=2,
        read_timeout=3,
        write_timeout=3,
        cursorclass=DictCursor,
    )


def said(tier: str, problem: BaseException) -> str:
    """What the server said, without credentials."""
    code = problem.args[0] if problem.args else 0
    if code == 1045:
        return f"{tier}: the server refuses the user or password"
    return f"{tier}: {problem.args[-1] if problem.args else problem}"
