"""The MySQL client of scenarios against a real server: time, the wait for a connection, errors by kind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import gevent
import pymysql
import pytest

from benchmarks.servers import Login, connect_as, mariadb
from load import recorder
from load.failure import Failure
from load.launch import free_port
from load.mysql import Database
from load.recorder import Recorder
from results import Part
from tests.load.real_stores import aimed_at, database, kinds

CONNECTIONS = 10


@pytest.fixture(scope="module")
def server() -> Iterator[Login]:
    options = ("--innodb-lock-wait-timeout=1", f"--max-connections={CONNECTIONS}")
    with mariadb(None, *options) as login:
        with connect_as(login).cursor() as cursor:
            cursor.execute("CREATE TABLE things (id INT PRIMARY KEY, n INT NOT NULL)")
            cursor.executemany("INSERT INTO things VALUES (%s, 0)", [(number,) for number in range(1, 101)])
        yield login


@pytest.fixture
def admin(server: Login) -> Iterator[Callable[[], Any]]:
    """Opens an administrator's connection."""
    opened: list[Any] = []

    def connect() -> Any:
        opened.append(connect_as(server))
        return opened[-1]

    yield connect
    for connection in opened:
        with suppress(pymysql.err.Error):
            connection.close()


@pytest.fixture(autouse=True)
def aim(server: Login) -> Iterator[None]:
    with aimed_at(primary={**server.described(), "database": "app"}):
        yield


def close(db: Database) -> None:
    for connection in db.primary._pool._idle:
        connection.close()


def test_rows_and_changes_come_as_the_server_has_them() -> None:
    db, counted = database()
    assert db.primary.query("SELECT id, n FROM things WHERE id < %s ORDER BY id", (3,)) == [(1, 0), (2, 0)]
    assert db.primary.execute("UPDATE things SET n = 0 WHERE id = 1", name="same") == 1  # found, not changed
    assert db.replica.query("SELECT %(a)s", {"a": "ü"}, name="text") == [("ü",)]
    with db.primary.transaction("insert") as transaction:
        transaction.execute("INSERT INTO things VALUES (200, 1)")
        assert transaction.query("SELECT n FROM things WHERE id = 200") == [(1,)]
    assert [said["name"] for said in counted][1:] == ["same", "text", "insert"]
    assert kinds(counted) == [None] * 4
    assert db.primary.execute("DELETE FROM things WHERE id = 200") == 1
    close(db)


def test_time_is_what_the_statement_took_and_not_rounded() -> None:
    db, counted = database()
    db.primary.query("SELECT 1")
    began_s = time.perf_counter()
    for _ in range(5):
        db.primary.query("SELECT SLEEP(0.0123)")
    all_ms = (time.perf_counter() - began_s) * 1000
    taken_ms = [said["response_time"] for said in counted[1:]]
    assert min(taken_ms) >= 12.3
    assert 0.9 * all_ms < sum(taken_ms) < all_ms
    assert any(taken != round(taken, 1) for taken in taken_ms)
    close(db)


def test_the_wait_for_a_connection_is_part_of_the_time_and_told_apart() -> None:
    db, _ = database(pool_size=1)
    db.primary.query("SELECT 1")  # the connection is there
    taken = recorder.active = Recorder("g0")
    try:

        def hold() -> None:
            with db.primary.transaction("holds"):
                gevent.sleep(0.1)

        def wait() -> None:
            db.primary.query("SELECT 1", name="waits")

        gevent.joinall([gevent.spawn(hold), gevent.spawn(wait)], raise_error=True)
    finally:
        recorder.active = None
    pieces = {piece.endpoint.name: piece for piece in taken.flush()}
    waited: Part = pieces["waits"].parts["pool"]
    assert waited.max_us >= 99_000
    assert pieces["waits"].service.quantile_us(0.5) >= 0.996 * waited.max_us
    assert pieces["holds"].parts["pool"].max_us < 50_000
    assert pieces["holds"].parts["commit"].n == 1
    assert "connect" not in pieces["waits"].parts
    close(db)


def test_no_connection_comes_free_in_time() -> None:
    db, counted = database(pool_size=1, timeout_s=0.2)

    def hold() -> None:
        with db.primary.transaction("holds"):
            gevent.sleep(0.5)

    holder = gevent.spawn(hold)
    gevent.sleep(0)
    with pytest.raises(Failure, match="none of 1 connections"):
        db.primary.query("SELECT 1")
    holder.get()
    assert kinds(counted) == ["pool timeout", None]
    close(db)


def fails(kind: str, do: Callable[[], Any]) -> None:
    with pytest.raises(Failure) as raised:
        do()
    assert raised.value.kind == kind


def test_too_many_connections(server: Login) -> None:
    db, counted = database()
    held: list[Any] = []
    with pytest.raises(pymysql.err.OperationalError, match="Too many"):
        held.extend(connect_as(server, "app") for _ in range(2 * CONNECTIONS))
    fails("too many connections", lambda: db.primary.query("SELECT 1"))
    for connection in held:
        connection.close()
    assert kinds(counted) == ["too many connections"]


def test_a_lock_that_another_holds(admin: Callable[[], Any]) -> None:
    db, counted = database()
    with admin().cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("UPDATE things SET n = n + 1 WHERE id = 1")
        fails(
            "lock wait timeout", lambda: db.primary.execute("UPDATE things SET n = 9 WHERE id = 1", name="up")
        )
        cursor.execute("ROLLBACK")
    assert db.primary.query("SELECT n FROM things WHERE id = 1") == [(0,)]
    assert counted[0]["response_time"] > 900
    assert kinds(counted) == ["lock wait timeout", None]
    close(db)


def test_a_deadlock(admin: Callable[[], Any]) -> None:
    db, counted = database()
    other = admin().cursor()
    other.execute("BEGIN")
    # The server gives up the transaction that has done less.
    other.execute("UPDATE things SET n = n + 1 WHERE id > 10")

    def crossed() -> None:
        with db.primary.transaction("crossed") as transaction:
            transaction.execute("UPDATE things SET n = 7 WHERE id = 2")
            wants = threading.Thread(target=other.execute, args=("UPDATE things SET n = 8 WHERE id = 2",))
            wants.start()
            try:
                transaction.execute("UPDATE things SET n = 7 WHERE id = 20")
                transaction.execute("UPDATE things SET n = 7 WHERE id = 20")
            finally:
                with suppress(Exception):
                    transaction.execute("ROLLBACK")
                wants.join()

    fails("deadlock", crossed)
    other.execute("ROLLBACK")
    assert kinds(counted) == ["deadlock"]
    assert db.primary.query("SELECT sum(n) FROM things") == [(0,)]
    close(db)


def test_a_statement_that_takes_too_long_and_the_one_after_it() -> None:
    db, counted = database(timeout_s=0.3)
    fails("timeout", lambda: db.primary.query("SELECT SLEEP(3)"))
    assert counted[0]["response_time"] > 290
    # Its connection is in the middle of an answer: the next statement must not read that.
    assert db.primary.query("SELECT 5") == [(5,)]
    close(db)


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("INSERT INTO things VALUES (1, 1)", "duplicate key"),
        ("SELECT * FROM mysql.global_priv", "access denied"),
        ("SET STATEMENT max_statement_time=0.05 FOR SELECT SLEEP(2)", "query timeout"),
        ("SELEC 1", "mysql 1064"),
        ("SELECT * FROM nowhere", "mysql 1146"),
    ],
)
def test_errors_of_a_statement_by_kind(sql: str, kind: str) -> None:
    db, counted = database()
    fails(kind, lambda: db.primary.query(sql))
    assert kinds(counted) == [kind]
    assert db.primary.query("SELECT 1") == [(1,)]
    assert len(db.primary._pool._idle) == 1, "the connection was fit to be kept"


def test_a_read_only_server(admin: Callable[[], Any]) -> None:
    db, counted = database()
    cursor = admin().cursor()
    cursor.execute("SET GLOBAL read_only = 1")
    try:
        fails("read-only", lambda: db.primary.execute("UPDATE things SET n = 1 WHERE id = 1"))
    finally:
        cursor.execute("SET GLOBAL read_only = 0")
    assert kinds(counted) == ["read-only"]
    close(db)


def test_a_connection_that_the_server_ended(admin: Callable[[], Any]) -> None:
    db, counted = database()
    ((number,),) = db.primary.query("SELECT CONNECTION_ID()")
    with admin().cursor() as cursor:
        cursor.execute(f"KILL {number}")
    fails("connection lost", lambda: db.primary.query("SELECT 1"))
    assert db.primary.query("SELECT 2") == [(2,)]
    assert kinds(counted) == [None, "connection lost", None]
    close(db)


def test_a_wrong_password_and_nobody_there(server: Login) -> None:
    wrong = {**server.described(), "password": "wrong", "database": "app"}
    with aimed_at(primary=wrong):
        db, counted = database()
        fails("access denied", lambda: db.primary.query("SELECT 1"))
        assert kinds(counted) == ["access denied"]
    with aimed_at(primary={**wrong, "port": free_port()}):
        db, counted = database()
        fails("connect refused", lambda: db.primary.query("SELECT 1"))
        assert kinds(counted) == ["connect refused"]


def test_what_a_scenario_raises_rolls_back_and_is_no_failure_of_the_server() -> None:
    db, counted = database()

    def give_up() -> None:
        with db.primary.transaction("given up") as transaction:
            transaction.execute("UPDATE things SET n = 99 WHERE id = 3")
            raise KeyError("mine")

    with pytest.raises(KeyError):
        give_up()
    assert kinds(counted) == [None]
    assert db.primary.query("SELECT n FROM things WHERE id = 3") == [(0,)]
    close(db)


def test_a_user_that_is_killed_in_a_transaction_leaves_no_half_used_connection() -> None:
    db, _ = database()

    def cut_off() -> None:
        with db.primary.transaction("cut off") as transaction:
            transaction.execute("UPDATE things SET n = 99 WHERE id = 4")
            gevent.sleep(10)

    user = gevent.spawn(cut_off)
    gevent.sleep(0.05)
    user.kill()
    assert db.primary._pool._idle == []
    assert db.primary.query("SELECT n FROM things WHERE id = 4") == [(0,)]
    close(db)
