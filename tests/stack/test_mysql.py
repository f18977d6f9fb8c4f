"""The stack on MySQL 9 in place of MariaDB: schema, application, replication, probes, scenarios."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest

from probes.database import DatabaseProbe
from probes.lag import LagProbe
from probes.probe import ProbeError, Reading, Unknown
from results import open_run
from stack import admin, control, faults
from stack.app.seedplan import SIZES
from stack.place import Place
from tests.e2e.conftest import call
from tests.more_servers import need_more_servers
from tests.stack_app.conftest import Visitor

pytestmark = pytest.mark.stack
NAME = "other"


@pytest.fixture
def described(other_stack: dict[str, Any]) -> dict[str, Any]:
    """The description of a stack on MySQL."""
    need_more_servers()
    return other_stack


@pytest.fixture
def on(described: dict[str, Any]) -> Iterator[Callable[[str], Any]]:
    """A cursor of an administrator on the primary or the replica."""
    opened: list[Any] = []

    def cursor(role: str) -> Any:
        opened.append(admin.connect(Place(NAME), role))
        return opened[-1].cursor()

    yield cursor
    for connection in opened:
        connection.close()


def told(probe: Any) -> dict[str, float]:
    return {item.metric: item.value for item in probe.sample() if isinstance(item, Reading)}


def wait_for(what: Callable[[], bool], deadline_s: float = 60) -> None:
    deadline = time.monotonic() + deadline_s
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_it_is_mysql_9_with_the_whole_seed_on_both_servers(
    described: dict[str, Any], on: Callable[[str], Any]
) -> None:
    assert described["versions"]["mysql"].startswith("9.")
    for role in ("primary", "replica"):
        cursor = on(role)
        cursor.execute("SELECT @@version AS version, @@read_only AS read_only")
        answered = cursor.fetchone()
        assert answered["version"].startswith("9.")
        assert answered["read_only"] == (role == "replica")
        for table in ("users", "todos", "notifications"):
            cursor.execute(f"SELECT COUNT(*) AS n FROM app.{table}")
            assert cursor.fetchone()["n"] == SIZES["small"][table]
    assert control.status(NAME).healthy


def test_what_the_application_writes_arrives_at_the_replica(
    described: dict[str, Any], on: Callable[[str], Any]
) -> None:
    visitor = Visitor(described["api"][0]["url"], 1)
    made = visitor.mutate("todo.create", {"title": "a zebra crossing"}).json["result"]["data"]["id"]
    assert visitor.query("todo.byId", {"id": made}).json["result"]["data"]["title"] == "a zebra crossing"
    replica = on("replica")

    def arrived() -> bool:
        return bool(replica.execute("SELECT id FROM app.todos WHERE id = %s", (made,)))

    wait_for(arrived)
    # The full-text index is built by the server's own rules: the word is found there as well.
    replica.execute("SELECT id FROM app.todos WHERE MATCH (title, body) AGAINST ('zebra')")
    assert made in [row["id"] for row in replica.fetchall()]


def test_statements_and_their_digests_are_counted_as_they_were_sent(
    described: dict[str, Any], on: Callable[[str], Any]
) -> None:
    probe = DatabaseProbe("primary", described["primary"])
    probe.sample()
    before = told(probe)
    cursor = on("primary")
    cursor.execute("USE app")
    for _ in range(200):
        cursor.execute("SELECT count(*) FROM teams WHERE id = 1")
    after = told(probe)
    assert 200 <= after["selects"] - before["selects"] < 260
    assert after["connections_max"] == 200
    assert after["threads_running"] >= 1
    (digest,) = [d for d in probe.digests() if d.calls >= 200 and "`teams`" in d.text]
    assert (digest.calls, digest.rows_sent) == (200, 200)
    assert probe.missing() == ""
    probe.close()


def test_a_deadlock_is_counted(described: dict[str, Any], on: Callable[[str], Any]) -> None:
    probe = DatabaseProbe("primary", described["primary"])
    before = told(probe)["deadlocks"]
    first, second = on("primary"), on("primary")
    for cursor in (first, second):
        cursor.execute("SET innodb_lock_wait_timeout = 20")
        cursor.execute("BEGIN")
    first.execute("UPDATE app.counters SET hits = hits WHERE team_id = 1")
    second.execute("UPDATE app.counters SET hits = hits WHERE team_id = 2")
    # Sent without waiting for the answer, which comes when the other transaction was rolled back.
    first.connection._execute_command(3, b"UPDATE app.counters SET hits = hits WHERE team_id = 2")
    waits = on("primary")
    wait_for(lambda: bool(waits.execute("SELECT 1 FROM performance_schema.data_lock_waits")))
    lost = []
    ends: list[Callable[[], Any]] = [
        lambda: second.execute("UPDATE app.counters SET hits = hits WHERE team_id = 1"),
        first.connection._read_query_result,
    ]
    for finish in ends:
        try:
            finish()
        except pymysql.OperationalError as problem:
            lost.append(problem.args[0])
    assert lost == [1213]
    assert told(probe)["deadlocks"] - before == 1
    probe.close()


def test_the_replicas_state_and_lag(described: dict[str, Any], on: Callable[[str], Any]) -> None:
    probe, lag = (
        DatabaseProbe("replica", described["replica"]),
        LagProbe(described["primary"], described["replica"]),
    )
    assert told(probe)["io_running"] == told(probe)["sql_running"] == 1

    def lag_ms() -> float:
        try:
            return told(lag)["lag_ms"]
        except ProbeError:  # unknown: neither short nor long
            return float("nan")

    wait_for(lambda: lag_ms() < 200)
    replica = on("replica")
    replica.execute("STOP REPLICA SQL_THREAD")
    try:
        wait_for(lambda: lag_ms() > 600)
        unknown = [item.metric for item in probe.sample() if isinstance(item, Unknown)]
        assert unknown == ["seconds_behind"]
        assert told(probe)["sql_running"] == 0
        assert "not running: IO Yes, SQL No" in control.status(NAME).replication
    finally:
        replica.execute("START REPLICA SQL_THREAD")
    wait_for(lambda: lag_ms() < 200)
    probe.close()
    lag.close()


def test_scenarios_run_on_it(described: dict[str, Any], tmp_path: Path) -> None:
    done = call(
        *("run", "db/point_reads", "--target", NAME, "--users", "2", "--for", "3s"),
        *("--slo", "errors<0.1%", "--runs", str(tmp_path)),
    )
    assert done.returncode in (0, 4), done.stdout + done.stderr
    (file,) = tmp_path.glob("*/run.db")
    run = open_run(file)
    assert run.merged().count > 20
    assert run.environment["versions"]["mysql"].startswith("9.")
    assert {"primary", "replica"} <= {series.tier for series in run.series()}


@pytest.mark.parametrize("fault", ["missing-index", "replica-stopped"])
def test_a_fault_that_is_a_statement_is_done_and_undone_there_too(
    described: dict[str, Any], on: Callable[[str], Any], fault: str
) -> None:
    def disturbed() -> bool:
        if fault == "missing-index":
            cursor = on("primary")
            cursor.execute("SHOW INDEX FROM app.todos WHERE Key_name = 'by_team_state'")
            return not cursor.fetchall()
        cursor = on("replica")
        cursor.execute("SHOW REPLICA STATUS")
        return bool(cursor.fetchone()["Replica_SQL_Running"] == "No")

    assert not disturbed()
    for _ in range(2):  # as after a kill, when nobody knows how far it came
        faults.start(NAME, fault)
        assert disturbed()
    for _ in range(2):
        faults.stop(NAME, fault)
        wait_for(lambda: not disturbed())
