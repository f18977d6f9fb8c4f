"""MySQL and MariaDB for scenarios: PyMySQL, pooled per generator, timed without rounding, errors by kind."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from time import perf_counter
from typing import Any, Final

import pymysql
from pymysql.constants import CLIENT

from load.counting import Counting
from load.failure import Failure
from load.lending import Lending
from load.target import target

KIND: Final = "sql"
Args = Sequence[Any] | dict[str, Any] | None
Row = tuple[Any, ...]

_KINDS: Final = {
    1040: "too many connections",
    1203: "too many connections",
    1226: "too many connections",
    1205: "lock wait timeout",
    1213: "deadlock",
    1290: "read-only",
    1792: "read-only",
    1836: "read-only",
    1044: "access denied",
    1045: "access denied",
    1142: "access denied",
    1698: "access denied",
    1053: "server shutdown",
    1062: "duplicate key",
    1317: "interrupted",
    1969: "query timeout",
    3024: "query timeout",
    2006: "connection lost",
    2013: "connection lost",
    1927: "connection lost",
    2014: "connection lost",
}
_LOST: Final = {2006, 2013, 2014, 1927, 1053}


def failure_of(problem: Exception) -> Failure | None:
    """A PyMySQL error as a failure by kind; None for what is not one."""
    if not isinstance(problem, pymysql.err.Error):
        return Failure("connection lost", str(problem)) if isinstance(problem, OSError) else None
    code = problem.args[0] if problem.args and isinstance(problem.args[0], int) else 0
    text = str(problem.args[-1]) if problem.args else type(problem).__name__
    timed_out = "timed out" in text
    if code == 1290 and "read-only" not in text.replace("_", "-"):
        return Failure("mysql 1290", f"({code}) {text}")  # another option of the server forbids it
    if code == 2003:
        kind = "connect timeout" if timed_out else "connect refused" if "refused" in text else "connect"
    elif code in (2006, 2013) and timed_out:
        kind = "timeout"
    else:
        kind = _KINDS.get(code) or (f"mysql {code}" if code else "mysql")
    return Failure(kind, f"({code}) {text}" if code else text)


def _is_lost(problem: BaseException) -> bool:
    """Whether a connection cannot be used after it: it broke, or was left in the middle of an answer."""
    if isinstance(problem, pymysql.err.InterfaceError) or not isinstance(problem, pymysql.err.Error):
        return True
    return not problem.args or problem.args[0] in _LOST


class Cursor:
    """Statements on one connection; `Server` counts each, a transaction counts them together."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def query(self, sql: str, args: Args = None) -> list[Row]:
        """All rows of a statement's result. Raises Failure."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql, args)
            return list(cursor.fetchall())

    def execute(self, sql: str, args: Args = None) -> int:
        """Rows that a statement changed (found, for UPDATE). Raises Failure."""
        with self._connection.cursor() as cursor:
            return int(cursor.execute(sql, args))

    @property
    def last_id(self) -> int:
        """The AUTO_INCREMENT value of the last insert."""
        return int(self._connection.insert_id())


class Server:
    """One server as a user sees it: every statement or transaction is one counted request."""

    def __init__(self, pool: Lending[Any], counting: Counting) -> None:
        self._pool = pool
        self._counting = counting

    def query(self, sql: str, args: Args = None, name: str | None = None) -> list[Row]:
        """All rows of a statement's result, counted as `name` (default: the statement). Raises Failure."""
        with self._counted(name or sql) as (cursor, _):
            return cursor.query(sql, args)

    def execute(self, sql: str, args: Args = None, name: str | None = None) -> int:
        """Rows that a statement changed (found, for UPDATE), counted as `name`. Raises Failure."""
        with self._counted(name or sql) as (cursor, _):
            return cursor.execute(sql, args)

    @contextmanager
    def transaction(self, name: str) -> Iterator[Cursor]:
        """A transaction, counted as one request from the wait for a connection to the end of its commit.

        Rolled back if the block raises. Raises Failure for what the server did.
        """
        with self._counted(name) as (cursor, parts_s):
            cursor.execute("START TRANSACTION")
            try:
                yield cursor
            except Exception as problem:
                # One that was cut off in the middle is closed instead, which rolls back too.
                if not (isinstance(problem, pymysql.err.Error | OSError) and _is_lost(problem)):
                    cursor.execute("ROLLBACK")
                raise
            asked_s = perf_counter()
            cursor.execute("COMMIT")
            parts_s["commit"] = perf_counter() - asked_s

    @contextmanager
    def _counted(self, name: str) -> Iterator[tuple[Cursor, dict[str, float]]]:
        with self._counting.timed(name, KIND, failure_of) as parts_s:
            connection = self._pool.borrow(parts_s)
            is_fit = False
            try:
                yield Cursor(connection), parts_s
                is_fit = True
            except Exception as problem:
                # A scenario's own exception leaves the connection at rest between two statements.
                is_fit = not (isinstance(problem, pymysql.err.Error | OSError) and _is_lost(problem))
                raise
            finally:
                if is_fit:
                    self._pool.give_back(connection)
                else:
                    with suppress(pymysql.err.Error):
                        connection.close()
                    self._pool.drop()


class Database:
    """`primary` and `replica` of the target; without a replica, reads from it go to the primary."""

    def __init__(self, counting: Counting, pool_size: int, timeout_s: float) -> None:
        self.primary = Server(_pool("primary", pool_size, timeout_s), counting)
        self.replica = Server(_pool("replica", pool_size, timeout_s), counting)


@cache
def _pool(role: str, size: int, timeout_s: float) -> Lending[Any]:
    """The one pool of this process to a server."""
    address = server_address(role)

    def connect() -> Any:
        return pymysql.connect(
            **address,
            autocommit=True,
            charset="utf8mb4",
            client_flag=CLIENT.FOUND_ROWS,
            connect_timeout=timeout_s,
            read_timeout=timeout_s,
            write_timeout=timeout_s,
        )

    return Lending(connect, size, timeout_s)


def server_address(role: str) -> dict[str, Any]:
    """Host, port, user, password and database of "primary" or "replica".

    From the target under the harness; under plain `locust` from MYSQL_HOST, MYSQL_PORT, MYSQL_USER,
    MYSQL_PASSWORD and MYSQL_DATABASE, for the replica MYSQL_REPLICA_HOST and MYSQL_REPLICA_PORT first.
    """
    told = target().get(role) or target().get("primary")
    if told:
        keys = ("host", "port", "user", "password", "database")
        found = {key: told[key] for key in keys if told.get(key)}
        # The library would use it, unverified, wherever a server offers it.
        found["ssl_disabled"] = not told.get("tls")
        if told.get("tls"):
            found["ssl"] = ssl.create_default_context(cafile=told.get("ca_file") or None)
        return found | ({"unix_socket": told["socket"]} if told.get("socket") else {})
    said = {key: os.environ.get(f"MYSQL_{key.upper()}", "") for key in ("host", "port", "user", "password")}
    if role == "replica":
        said |= {
            key: os.environ.get(f"MYSQL_REPLICA_{key.upper()}", "") or said[key] for key in ("host", "port")
        }
    return {
        "host": said["host"] or "127.0.0.1",
        "port": int(said["port"] or 3306),
        "user": said["user"] or "root",
        "password": said["password"],
        "database": os.environ.get("MYSQL_DATABASE", "app"),
    }
