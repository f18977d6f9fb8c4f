"""MySQL or MariaDB, primary or replica: connections, locks, buffer pool, digests, replication lag."""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import Any

import pymysql
from pymysql.cursors import DictCursor

from probes.pages import tls_context
from probes.probe import ProbeError, Reading, Unknown
from results import Digest
from results.series import Kind

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
# MySQL has no status variable for it.
_DEADLOCKS = "SELECT COUNT AS n FROM information_schema.INNODB_METRICS WHERE NAME = 'lock_deadlocks'"
_NOT_ALLOWED = (1044, 1142, 1143, 1227)
"""What servers answer to an account that may sign in, but not ask this."""
_COUNTS = ("calls", "rows_sent", "rows_examined", "errors", "no_index")
_FIGURES = ("total_us", "lock_us", *_COUNTS)
MOST_DIGESTS = 50

Login = dict[str, Any]


class NotAllowed(ProbeError):
    """The account may not ask this: neither now nor later in the run."""


class DatabaseProbe:
    """One server, asked over a connection of its own that is made again when it was lost."""

    def __init__(self, tier: str, login: Login) -> None:
        """`login` has host, port, user, password and database."""
        self.tier = tier
        self.instance = tier
        self.calls: Counter[str] = Counter()
        self._login = login
        self._connection: pymysql.Connection[DictCursor] | None = None
        self._before: dict[str, dict[str, Any]] | None = None
        self._connections_max: float | None = None
        self._not_allowed: dict[str, str] = {}
        """By figure: why this account cannot have it. It is not asked for again."""

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
        else:
            rows = self._ask_if_allowed("deadlocks", "no count of deadlocks", _DEADLOCKS)
            readings += [Reading("deadlocks", float(row["n"]), "counter") for row in rows]
        if self.tier == "replica":
            readings += self._replication()
        readings += [Unknown(metric, reason) for metric, reason in self._not_allowed.items()]
        if self._before is None:
            self._before = self._read_digests()
        return readings

    def _replication(self) -> list[Reading | Unknown]:
        # MySQL 8.0.22 and MariaDB 10.5 or later understand it.
        rows = self._ask_if_allowed("sql_running", "no state of the replication", "SHOW REPLICA STATUS")
        if self._not_allowed.get("sql_running"):
            return []
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

    def _ask_if_allowed(self, metric: str, missing: str, sql: str) -> list[dict[str, Any]]:
        """Rows, or none and the reason kept where the account may not ask. Raises ProbeError."""
        if metric not in self._not_allowed:
            try:
                return self.ask(sql)
            except NotAllowed as problem:
                self._not_allowed[metric] = f"{self.tier}: {missing} ({problem})"
        return []

    def missing(self) -> str:
        """One line on statement digests where there will be none; empty where there will be."""
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
        self.calls[self.tier] += 1
        try:
            if self._connection is None:
                self._connection = connect(self._login)
            with self._connection.cursor() as cursor:
                cursor.execute(sql, args)
                return list(cursor.fetchall())
        except (pymysql.OperationalError, pymysql.InterfaceError, OSError) as problem:
            if problem.args and problem.args[0] in _NOT_ALLOWED:
                raise NotAllowed(said(self.tier, problem)) from problem
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


def connect(login: Login) -> pymysql.Connection[DictCursor]:
    """A connection with short patience."""
    return pymysql.connect(
        unix_socket=login.get("socket") or None,
        ssl=tls_context(login.get("ca_file", "")) if login.get("tls") else None,
        ssl_disabled=not login.get(
            "tls"
        ),  # the library would use it, unverified, wherever a server offers it
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
