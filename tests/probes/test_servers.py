"""Probes beside the real servers' own counters, and under disturbances of a known size."""

import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pymysql
import pytest
import redis

from probes.access_log import AccessLogProbe
from probes.database import DatabaseProbe
from probes.from_target import probes_from, sampler_for
from probes.haproxy import HaproxyProbe
from probes.haproxy_page import HaproxyPageProbe
from probes.host import ProcessProbe
from probes.lag import LagProbe
from probes.probe import ProbeError, Reading, Unknown
from probes.redis_server import RedisProbe
from stack.admin import connect
from stack.place import Place

pytestmark = pytest.mark.stack


def told(answer: Sequence[Reading | Unknown]) -> dict[str, float]:
    return {item.metric: item.value for item in answer if isinstance(item, Reading)}


def wait_for(what: Callable[[], bool], deadline_s: float = 30) -> None:
    deadline = time.monotonic() + deadline_s
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def admin(stack_up: dict[str, Any]) -> Iterator[Callable[[str], Any]]:
    """Opens an administrator's connection to the primary or the replica."""
    opened: list[Any] = []

    def opener(role: str) -> Any:
        opened.append(connect(Place("test"), role))
        return opened[-1]

    yield opener
    for connection in opened:
        connection.close()


def test_statements_are_counted_as_they_were_sent(
    stack_up: dict[str, Any], admin: Callable[[str], Any]
) -> None:
    probe = DatabaseProbe("primary", stack_up["primary"])
    probe.sample()
    before = told(probe.sample())
    with admin("primary").cursor() as cursor:
        cursor.execute("USE app")
        for _ in range(200):
            cursor.execute("SELECT count(*) FROM teams WHERE id = 1")
    after = told(probe.sample())
    # The stack's job worker asks too, a little: no fewer than were sent, and not many more.
    assert 200 <= after["selects"] - before["selects"] < 260
    (digest,) = [d for d in probe.digests() if d.calls >= 200 and "`teams`" in d.text]
    assert digest.calls == 200
    assert digest.rows_sent == 200
    assert digest.total_us > 0
    probe.close()


def test_a_locked_row_is_a_wait(stack_up: dict[str, Any], admin: Callable[[str], Any]) -> None:
    probe = DatabaseProbe("primary", stack_up["primary"])
    before = told(probe.sample())
    holder, waiter = admin("primary"), admin("primary")
    with holder.cursor() as hold, waiter.cursor() as wait:
        hold.execute("BEGIN")
        hold.execute("SELECT id FROM app.teams WHERE id = 1 FOR UPDATE")
        wait.execute("SET innodb_lock_wait_timeout = 1")
        wait.execute("BEGIN")
        with pytest.raises(pymysql.OperationalError, match="Lock wait timeout"):
            wait.execute("SELECT id FROM app.teams WHERE id = 1 FOR UPDATE")
        hold.execute("ROLLBACK")
        wait.execute("ROLLBACK")
    after = told(probe.sample())
    assert after["row_lock_waits"] - before["row_lock_waits"] == 1
    assert after["row_lock_time_ms"] - before["row_lock_time_ms"] >= 900
    probe.close()


def test_a_replica_that_cannot_apply_falls_behind_and_catches_up(
    stack_up: dict[str, Any], admin: Callable[[str], Any]
) -> None:
    probe = LagProbe(stack_up["primary"], stack_up["replica"])

    def lag_ms() -> float:
        try:
            return told(probe.sample())["lag_ms"]
        except ProbeError:  # unknown: neither short nor long
            return float("nan")

    wait_for(lambda: lag_ms() < 200)
    with admin("replica").cursor() as cursor:
        cursor.execute("FLUSH TABLES WITH READ LOCK")
        locked = time.monotonic()
        try:
            wait_for(lambda: lag_ms() > 600)
            assert time.monotonic() - locked > 0.3
        finally:
            cursor.execute("UNLOCK TABLES")
    wait_for(lambda: lag_ms() < 200)
    probe.close()


def test_a_stopped_replica_does_not_know_its_lag(
    stack_up: dict[str, Any], admin: Callable[[str], Any]
) -> None:
    probe = DatabaseProbe("replica", stack_up["replica"])
    assert told(probe.sample())["sql_running"] == 1
    with admin("replica").cursor() as cursor:
        cursor.execute("STOP SLAVE SQL_THREAD")
        try:
            answer = probe.sample()
        finally:
            cursor.execute("START SLAVE SQL_THREAD")
    assert told(answer)["sql_running"] == 0
    assert "seconds_behind" not in told(answer)
    (unknown,) = [item for item in answer if isinstance(item, Unknown)]
    assert "thread is stopped" in unknown.reason
    wait_for(lambda: told(probe.sample())["sql_running"] == 1)
    probe.close()


def test_redis_hits_and_misses_are_those_that_were_made(stack_up: dict[str, Any]) -> None:
    server = stack_up["redis"]
    client = redis.Redis(host=server["host"], port=server["port"], password=server["password"])
    client.set("probe-test", 1)
    probe = RedisProbe(server)
    before = told(probe.sample())
    for _ in range(30):
        client.get("probe-test")
    for _ in range(12):
        client.get("probe-test-absent")
    after, keys = told(probe.sample()), client.dbsize()
    client.delete("probe-test")
    assert after["keys"] == keys
    assert after["hits"] - before["hits"] == 30
    # The stack's job worker looks for jobs meanwhile, and finds none.
    assert 12 <= after["misses"] - before["misses"] < 60
    assert after["command.get.calls"] - before.get("command.get.calls", 0) == 42
    probe.close()


def test_haproxy_tells_every_server_of_the_web_backend(stack_up: dict[str, Any]) -> None:
    readings = HaproxyProbe(stack_up["lb"]["stats_socket"]).sample()
    up = {reading.instance: reading.value for reading in readings if reading.metric == "up"}
    assert up["web/web1"] == up["web/web2"] == 1
    assert told(readings)["connections_max"] > 0


def test_haproxys_page_tells_what_its_socket_tells(stack_up: dict[str, Any]) -> None:
    by_socket = HaproxyProbe(stack_up["lb"]["stats_socket"]).sample()
    page = HaproxyPageProbe(stack_up["lb"]["metrics_url"])
    by_page = page.sample()
    page.close()
    # What moves between two questions, or with the question itself, is left out.
    steady = {"up", "sessions_limit", "retries", "redispatches", "connect_errors", "errors_5xx"}
    steady |= {"cache_lookups", "cache_hits"}
    expected = {(r.instance, r.metric): r.value for r in by_socket if r.metric in steady and r.instance}
    answered = {(r.instance, r.metric): r.value for r in by_page if r.metric in steady}
    assert {key: answered.get(key) for key in expected} == expected
    kinds = {(r.instance, r.metric) for r in by_page}
    assert {("web/web1", "requests"), ("web/web1", "queue_time_ms"), ("backend/web", "queue")} <= kinds


def test_the_balancers_log_has_the_requests_that_it_counted(stack_up: dict[str, Any]) -> None:
    socket, log = HaproxyProbe(stack_up["lb"]["stats_socket"]), AccessLogProbe(stack_up["lb"]["log"])

    def counted() -> float:
        return sum(
            reading.value
            for reading in socket.sample()
            if reading.metric == "requests" and reading.instance in ("web/web1", "web/web2")
        )

    before = counted()

    def ask(_: int) -> None:
        urllib.request.urlopen(f"{stack_up['base_url']}/signin", timeout=30).close()

    # Side by side, so that some wait for others: the log's times are whole milliseconds.
    with ThreadPoolExecutor(20) as crowd:
        list(crowd.map(ask, range(40)))
    assert counted() - before == 40

    def logged(metric: str) -> float:
        answered = {(r.instance, r.metric): r.value for r in log.sample()}
        return sum(answered.get((instance, metric), 0) for instance in ("web/web1", "web/web2"))

    wait_for(lambda: logged("log.requests") == 40)
    assert 0 < logged("log.response_seconds") <= logged("log.total_seconds")
    assert logged("log.errors_5xx") == logged("log.retries") == 0


def test_a_process_that_was_started_again_is_followed(tmp_path: Path) -> None:
    script = "import sys; print('here', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", script, str(tmp_path)]

    def started() -> "subprocess.Popen[str]":
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        return process

    first = started()
    probe = ProcessProbe("api", "api1", first.pid)
    assert told(probe.sample())["rss_bytes"] > 1_000_000
    first.communicate(timeout=30)
    with pytest.raises(ProbeError, match="is gone"):
        probe.sample()
    second = started()
    assert told(probe.sample())["rss_bytes"] > 1_000_000
    second.communicate(timeout=30)
    with pytest.raises(ProbeError, match=f"process {second.pid} of api1 is gone"):
        probe.sample()


def test_a_process_that_is_gone_is_said(stack_up: dict[str, Any]) -> None:
    answered = told(ProcessProbe("redis", "redis", stack_up["redis"]["pid"]).sample())
    assert answered["rss_bytes"] > 1_000_000
    assert answered["fds"] > 3
    with pytest.raises(ProbeError, match="is gone"):
        ProcessProbe("redis", "redis", 2**22 - 1).sample()


@pytest.mark.parametrize("tier", ["primary", "replica", "redis"])
def test_a_wrong_password_is_one_line_without_the_password(stack_up: dict[str, Any], tier: str) -> None:
    target = {tier: {**stack_up[tier], "password": "planted-Secret-77"}}
    lines = sampler_for(target).check()
    assert len(lines) == 1
    assert "password" in lines[0]
    assert "planted" not in lines[0]


def test_a_target_of_one_tier_has_probes_of_that_tier_and_of_the_host() -> None:
    assert [probe.tier for probe in probes_from({"name": "bare"})] == ["host"]


def test_all_probes_together_cost_little(stack_up: dict[str, Any]) -> None:
    # As it stands now: another test may have restarted a process. benchmarks.probe_cost has the figure.
    probes = probes_from(Place(stack_up["name"]).read_json("target.json"))
    for probe in probes:
        probe.sample()
    rounds = 20
    began = time.process_time()
    for _ in range(rounds):
        for probe in probes:
            probe.sample()
    cpu_a_round_s = (time.process_time() - began) / rounds
    for probe in probes:
        probe.close()
    assert cpu_a_round_s < 0.1
