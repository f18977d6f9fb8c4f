"""The real servers: what is up, what was killed, and what is left afterwards."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import urllib.request
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from stack import control, faults, supervision
from stack.errors import StackError
from stack.place import Place
from stack.status import render
from stack.supervision import wait_until

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def stack() -> Iterator[str]:
    """A second stack beside the shared one, to be ill-treated."""
    control.down("illtreated")
    control.up("illtreated")
    yield "illtreated"
    control.down("illtreated")


@pytest.fixture
def healthy(stack: str) -> str:
    """The same, put right again after the test before."""
    control.up(stack)
    return stack


def process(stack: str, name: str) -> control.ProcessStatus:
    return next(p for p in control.status(stack).processes if p.name == name)


def kill(stack: str, name: str) -> None:
    pid = process(stack, name).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def supervisor_of(stack: str) -> psutil.Process:
    return next(p for p in supervision.survivors(Place(stack)) if "supervisor.supervisord" in p.cmdline())


def test_two_stacks_serve_side_by_side(stack_up: dict[str, Any], healthy: str) -> None:
    own = json.loads(Place(healthy).target.read_text())
    assert own["base_url"] != stack_up["base_url"]
    for target in (own, stack_up):
        with urllib.request.urlopen(f"{target['base_url']}/signin", timeout=5) as page:
            assert page.status == 200
    assert {healthy, "test"} <= set(control.names())


def test_up_again_leaves_a_healthy_stack_alone(healthy: str) -> None:
    before = [p.pid for p in control.status(healthy).processes]
    control.up(healthy)
    assert [p.pid for p in control.status(healthy).processes] == before


def test_nothing_of_it_is_readable_by_others_or_reachable_from_elsewhere(healthy: str) -> None:
    place = Place(healthy)
    for folder in (place.folder, place.sockets, place.logs):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for file in ("target.json", "credentials.json", "app.json", "redis.conf", "init.sql"):
        assert stat.S_IMODE((place.folder / file).stat().st_mode) == 0o600
    for member in supervision.survivors(place):
        listening = [c for c in member.net_connections("tcp") if c.status == psutil.CONN_LISTEN]
        assert {c.laddr.ip for c in listening} <= {"127.0.0.1"}, member.cmdline()


def test_a_killed_replica_is_told_and_put_right(healthy: str) -> None:
    kill(healthy, "replica")
    assert wait_until(lambda: process(healthy, "replica").problem != "", 5)
    told = control.status(healthy)
    assert not told.healthy
    assert "terminated by SIGKILL" in process(healthy, "replica").problem
    assert "does not answer" in told.replication
    assert "NOT HEALTHY" in render(told)
    control.up(healthy)
    assert control.status(healthy).healthy


def test_a_paused_process_is_told(healthy: str) -> None:
    faults.start(healthy, "jobs-blocked")
    assert process(healthy, "jobs1").problem == "paused by a signal"
    assert control.status(healthy).faults == ["jobs-blocked"]
    faults.stop(healthy, "jobs-blocked")
    assert wait_until(lambda: control.status(healthy).healthy, 5)


def test_a_web_instance_that_a_fault_killed_comes_back_and_the_target_names_its_new_process(
    healthy: str,
) -> None:
    faults.start(healthy, "web1-down")
    assert process(healthy, "web1").pid is None
    faults.stop(healthy, "web1-down")
    target = json.loads(Place(healthy).target.read_text())
    assert target["web"][0]["pid"] == process(healthy, "web1").pid


@pytest.mark.parametrize("fault", ["replica-lagging", "hot-row", "slow-redis", "web1-slow"])
def test_a_fault_that_is_kept_up_leaves_no_process_behind(healthy: str, fault: str) -> None:
    def at_it() -> int:
        # All else of the stack has children that come and go, such as the sleep of who keeps the logs small.
        commands = (one.info["cmdline"] or [] for one in psutil.process_iter(["cmdline"]))
        return sum("stack.disturb" in words and healthy in words for words in commands)

    faults.start(healthy, fault)
    assert at_it() == 1
    faults.stop(healthy, fault)
    assert at_it() == 0
    assert faults.active(healthy) == []


def test_a_stopped_replica_is_told_and_up_without_the_fault_ends_it(healthy: str) -> None:
    faults.start(healthy, "replica-stopped")
    assert control.status(healthy).replication == "not running: IO No, SQL No"
    control.up(healthy)
    assert wait_until(lambda: control.status(healthy).healthy, 5)


def test_other_knobs_take_effect_and_the_data_stays(healthy: str) -> None:
    said: list[str] = []
    control.up(healthy, {"api.pool_size": "3"}, said.append)
    assert "api.pool_size 10 -> 3" in said[0]
    assert not any("seed" in line for line in said)
    target = json.loads(Place(healthy).target.read_text())
    assert target["knobs"]["api.pool_size"] == 3
    with urllib.request.urlopen(target["api"][0]["metrics_url"], timeout=5) as page:
        assert (
            'db_client_connection_max{db_client_connection_pool_name="primary"} 3.0' in page.read().decode()
        )


def test_without_its_supervisor_a_stack_is_told_orphaned_and_down_leaves_nothing(stack: str) -> None:
    control.up(stack)
    place = Place(stack)
    supervisor_of(stack).kill()
    assert wait_until(lambda: not supervision.answers(place), 5)
    told = control.status(stack)
    assert {p.state for p in told.processes} == {"orphan"}
    assert "supervisor is gone" in told.problem
    assert control.down(stack)
    assert supervision.survivors(place) == []
    assert not place.folder.exists()
    assert not place.sockets.exists()
    assert not control.down(stack)


def test_an_up_that_was_cut_off_is_finished_by_the_next(stack: str) -> None:
    control.down(stack)
    place = Place(stack)
    place.make()
    (place.folder / "primary").mkdir()  # as a kill in the middle of copying leaves it
    (place.folder / "primary" / "ibdata1").write_bytes(b"half")
    control.up(stack)
    assert control.status(stack).healthy


def test_a_taken_port_is_named_with_who_holds_it_and_nothing_is_left_running() -> None:
    base = 31000
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", base + 12))
        held.listen()
        with pytest.raises(
            StackError, match=rf"port {base + 12} for redis is taken by .*process {os.getpid()}"
        ):
            control.up("taken", {"ports.base": str(base)})
    assert supervision.survivors(Place("taken")) == []
    control.down("taken")
