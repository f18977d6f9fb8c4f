"""Database scenarios beside the servers' own counters, and under disturbances of a known size."""

from __future__ import annotations

import time
from contextlib import closing
from typing import Any

import pymysql
import pytest

from stack import admin
from stack.place import Place
from tests.scenarios.conftest import HERE, Drive, Driven, Servers, wait_for

pytestmark = pytest.mark.stack
HELD_S = 2.5


@pytest.fixture(scope="module")
def db(drive: Drive, servers: Servers) -> Driven:
    """A run during which the replica stands still for a while, and someone sits on the hot row."""

    port = servers.target["primary"]["port"]
    login = {**servers.target["load"], "host": "127.0.0.1", "port": port, "database": "app"}

    def hits(cursor: Any) -> int:
        cursor.execute("SELECT SUM(hits) FROM counters")
        return int(cursor.fetchone()[0])

    def disturb() -> None:
        with (
            closing(admin.connect(Place(servers.target["name"]), "replica")) as replica,
            closing(pymysql.connect(**login, autocommit=True)) as other,
            replica.cursor() as stop,
            other.cursor() as cursor,
        ):
            before = hits(cursor)
            wait_for(lambda: hits(cursor) > before)  # load has begun
            stop.execute("FLUSH TABLES WITH READ LOCK")
            cursor.execute("START TRANSACTION")
            cursor.execute("UPDATE counters SET hits = hits WHERE team_id = 1")
            wait_for(lambda: servers.mysql()["Innodb_row_lock_current_waits"] > 0)
            time.sleep(HELD_S)
            cursor.execute("ROLLBACK")
            stop.execute("UNLOCK TABLES")

    return drive(str(HERE / "mixed_db.py"), "primary", meanwhile=disturb, rate_per_s=40, for_s=5)


def kinds(db: Driven) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, count in db.failures().items():
        kind = name.rpartition(": ")[2]
        found[kind] = found.get(kind, 0) + count
    return found


def test_commits_are_those_that_the_server_counted(db: Driven) -> None:
    transactions = sum(
        db.count(name) for name in ("transaction of three", "one hot row", "two hot rows", "write")
    )
    rolled_back = sum(kinds(db).values())
    assert db.grown["primary"]["Com_commit"] == transactions - rolled_back > 0


def test_inserts_and_updates_are_those_that_the_server_counted(db: Driven) -> None:
    inserts = db.count("insert an event") + db.count("transaction of three") + db.count("write")
    assert db.grown["primary"]["Com_insert"] >= inserts
    assert db.grown["primary"]["Com_rollback"] == sum(kinds(db).values()) + 1  # the one that sat there


def test_failures_are_lock_waits_and_deadlocks_by_name(db: Driven) -> None:
    assert set(kinds(db)) <= {"lock wait timeout", "deadlock"}
    assert kinds(db).get("deadlock", 0) == db.grown["primary"]["Innodb_deadlocks"]


def test_who_waits_for_a_row_that_is_held_for_longer_gives_up(db: Driven) -> None:
    assert kinds(db)["lock wait timeout"] > 0
    assert db.run.merged("one hot row", which="service").quantile_us(1) > 1.9e6


def test_staleness_is_what_the_replica_lagged(db: Driven) -> None:
    seen = db.run.merged("own write seen", which="service")
    assert seen.count == db.count("write")
    # Writes went on all through the lag: the first of them were not seen until its end.
    assert seen.quantile_us(1) > HELD_S * 0.8e6
    assert db.count("stale read") == db.count("read back") - seen.count > 0


def test_every_kind_of_search_was_asked(db: Driven) -> None:
    assert db.count("full text, one word") > db.count("full text, one todo")


def test_waits_for_a_pool_of_five_follow_littles_law(drive: Drive) -> None:
    """Of 10 users 5 hold a connection at any time: half of a response is waiting, however slow it is."""
    run = drive("db/pooled", users=10, for_s=3, warmup_s=1).run
    whole = run.merged("hold a connection for 20 ms", start_s=1, which="service")
    waits = [p.parts["pool"] for p in run.intervals(start_s=1) if "pool" in p.parts]
    waited_us = sum(part.sum_us for part in waits) / sum(part.n for part in waits)
    assert sum(part.n for part in waits) == whole.count
    assert waited_us == pytest.approx(whole.mean_us / 2, rel=0.2)
