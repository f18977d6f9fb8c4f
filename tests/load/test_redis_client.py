"""The Redis client of scenarios against real servers, alone and as a cluster: time, waits, errors by kind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import gevent
import pytest
import redis

from benchmarks.servers import Login, redis_server
from load import recorder
from load.failure import Failure
from load.launch import free_port
from load.recorder import Recorder
from tests.load.real_stores import aimed_at, kinds, redis_user

SLOTS = 16384


def fails(kind: str, do: Callable[[], Any]) -> None:
    with pytest.raises(Failure) as raised:
        do()
    assert raised.value.kind == kind


@pytest.fixture(scope="module")
def server() -> Iterator[Login]:
    with redis_server(None) as login:
        yield login


@pytest.fixture
def admin(server: Login) -> Iterator[Any]:
    client = redis.Redis(server.host, server.port)
    client.flushall()
    yield client
    client.close()


@pytest.fixture(autouse=True)
def aim(server: Login) -> Iterator[None]:
    with aimed_at(redis=server.described()):
        yield


def test_commands_are_redis_pys_and_counted_by_name(admin: Any) -> None:
    client, counted = redis_user()
    assert client.set("a", "1") is True
    assert client.get("a", name="GET session") == b"1"
    assert client.hset("h", mapping={"f": "v"}) == 1
    with client.pipeline("page") as pipe:
        pipe.get("a")
        pipe.incr("n", 5)
    assert pipe.results == [b"1", 5]
    assert [said["name"] for said in counted] == ["SET", "GET session", "HSET", "page"]
    assert kinds(counted) == [None] * 4
    with pytest.raises(AttributeError, match="no command"):
        client.no_such_command("a")


def test_time_is_at_least_the_servers_own_and_not_rounded(admin: Any) -> None:
    client, counted = redis_user()
    client.get("a")
    admin.config_resetstat()
    for _ in range(50):
        client.get("a")
    own_us = admin.info("commandstats")["cmdstat_get"]
    taken_us = [said["response_time"] * 1000 for said in counted[1:]]
    assert own_us["calls"] == len(taken_us)
    assert sum(taken_us) > own_us["usec"]
    assert any(taken != round(taken) for taken in taken_us)


def test_the_wait_for_a_connection_is_part_of_the_time_and_told_apart(admin: Any) -> None:
    client, _ = redis_user(pool_size=1)
    client.get("a")
    taken = recorder.active = Recorder("g0")
    try:

        def hold() -> None:
            with client._lent("holds"):
                gevent.sleep(0.1)

        gevent.joinall([gevent.spawn(hold), gevent.spawn(client.get, "a", name="waits")], raise_error=True)
    finally:
        recorder.active = None
    pieces = {piece.endpoint.name: piece for piece in taken.flush()}
    assert pieces["waits"].parts["pool"].max_us >= 99_000
    assert pieces["waits"].service.quantile_us(0.5) >= 0.996 * pieces["waits"].parts["pool"].max_us
    assert pieces["holds"].parts["pool"].max_us < 50_000


def test_memory_that_is_full(admin: Any) -> None:
    client, counted = redis_user()
    admin.config_set("maxmemory", "1")
    try:
        fails("out of memory", lambda: client.set("a", "1"))
    finally:
        admin.config_set("maxmemory", "0")
    assert client.set("a", "1") is True
    assert kinds(counted) == ["out of memory", None]


def test_a_server_that_does_not_answer_in_time_and_the_command_after_it(admin: Any) -> None:
    client, counted = redis_user(timeout_s=0.2)
    admin.set("a", "late")
    admin.set("b", "right")
    client.get("b")
    admin.client_pause(600)
    fails("timeout", lambda: client.get("a"))
    assert counted[1]["response_time"] >= 199
    admin.client_unpause()
    assert client.get("b") == b"right", "not the late answer of the command before"


def test_commands_that_the_server_refuses(admin: Any) -> None:
    client, counted = redis_user()
    admin.set("text", "x")
    fails("redis WRONGTYPE", lambda: client.lpush("text", "y"))
    fails("no script", lambda: client.evalsha("0" * 40, 0))
    fails("redis ERR", lambda: client.execute_command("NONSENSE"))
    fails("redis ERR", lambda: client.incr("text"))
    fails("redis WRONGTYPE", lambda: both(client))
    assert client.get("after") == b"1"
    assert len(client._pool._idle) == 1, "the connection was fit to be kept"
    assert kinds(counted)[-2:] == ["redis WRONGTYPE", None]


def both(client: Any) -> None:
    with client.pipeline("both") as pipe:
        pipe.lpush("text", "y")
        pipe.set("after", "1")


def test_a_replica_is_read_only_and_does_not_serve_what_it_cannot_know(admin: Any) -> None:
    client, counted = redis_user()
    admin.replicaof("127.0.0.1", free_port())
    try:
        fails("read-only", lambda: client.set("a", "1"))
        admin.config_set("replica-serve-stale-data", "no")
        fails("master down", lambda: client.get("a"))
    finally:
        admin.config_set("replica-serve-stale-data", "yes")
        admin.replicaof("NO", "ONE")
    assert kinds(counted) == ["read-only", "master down"]


def test_too_many_clients(admin: Any) -> None:
    client, counted = redis_user()
    admin.config_set("maxclients", "1")
    try:
        # The server says so and hangs up: now and then the client notices the latter first.
        until(lambda: is_refused(client) and kinds(counted)[-1] == "too many connections")
    finally:
        admin.config_set("maxclients", "1000")
    assert set(kinds(counted)) <= {"too many connections", "connection lost"}


def test_accounts_without_the_right(server: Login, admin: Any) -> None:
    admin.acl_setuser("reader", enabled=True, passwords=["+secret"], keys=["*"], commands=["+get"])
    with aimed_at(redis={**server.described(), "user": "reader", "password": "secret"}):
        client, _ = redis_user()
        assert client.get("a") is None
        fails("auth", lambda: client.set("a", "1"))
    with aimed_at(redis={**server.described(), "user": "reader", "password": "wrong"}):
        client, counted = redis_user()
        fails("auth", lambda: client.get("a"))
        assert kinds(counted) == ["auth"]


def test_a_server_that_is_busy_with_a_script(server: Login, admin: Any) -> None:
    client, counted = redis_user()
    client.get("a")
    admin.config_set("busy-reply-threshold", "50")
    other = redis.Redis(server.host, server.port)

    def endless() -> None:
        with pytest.raises(redis.ResponseError, match="killed"):
            other.eval("while true do end", 0)

    thread = threading.Thread(target=endless)
    thread.start()
    try:
        until(lambda: is_refused(client))
    finally:
        admin.script_kill()
        thread.join()
        other.close()
    assert kinds(counted)[-1] == "redis BUSY"
    assert client.get("a") is None


def is_refused(client: Any) -> bool:
    try:
        client.get("a")
    except Failure:
        return True
    return False


def test_a_connection_that_the_server_ended_and_nobody_there(server: Login, admin: Any) -> None:
    client, counted = redis_user()
    client.get("a")
    admin.client_kill_filter(skipme=True, _type="normal")
    fails("connection lost", lambda: client.get("a"))
    assert client.get("a") is None
    assert kinds(counted) == [None, "connection lost", None]
    with aimed_at(redis={"host": "127.0.0.1", "port": free_port()}):
        client, counted = redis_user()
        fails("connect refused", lambda: client.get("a"))
        assert kinds(counted) == ["connect refused"]


def until(condition: Callable[[], bool], within_s: float = 30) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(scope="module")
def cluster() -> Iterator[list[Login]]:
    """Three nodes that share the slots evenly, without replicas."""
    with ExitStack() as stack:
        options = ("--cluster-enabled", "yes", "--cluster-node-timeout", "15000")
        nodes = [
            stack.enter_context(redis_server(None, *options, "--cluster-port", str(free_port())))
            for _ in range(3)
        ]
        clients: list[Any] = [redis.Redis(node.host, node.port) for node in nodes]
        for index, client in enumerate(clients):
            bounds = (SLOTS * index // 3, SLOTS * (index + 1) // 3 - 1)
            client.execute_command("CLUSTER ADDSLOTSRANGE", *bounds)
        for node, client in zip(nodes[1:], clients[1:], strict=True):
            port = client.config_get("cluster-port")["cluster-port"]
            clients[0].execute_command("CLUSTER MEET", node.host, node.port, port)
        for client in clients:
            until(partial(is_whole, client))
            client.close()
        yield nodes


def is_whole(client: Any) -> bool:
    info = client.cluster("info")
    return bool(info["cluster_state"] == "ok" and info["cluster_known_nodes"] == "3")


def test_a_cluster_is_reached_through_any_of_its_nodes(cluster: list[Login]) -> None:
    with aimed_at(redis={**cluster[1].described(), "cluster": True}):
        client, counted = redis_user(pool_size=4)
        for number in range(60):
            assert client.set(f"key{number}", str(number), name="SET key") is True
        with client.pipeline("three keys") as pipe:
            for number in range(3):
                pipe.get(f"key{number}")
        assert pipe.results == [b"0", b"1", b"2"]
        assert kinds(counted) == [None] * 61
    held = []
    for node in cluster:
        direct = redis.Redis(node.host, node.port)
        held.append(direct.dbsize())
        direct.close()
    assert sum(held) == 60
    assert min(held) > 0


def test_a_cluster_spoken_to_as_one_server_redirects(cluster: list[Login]) -> None:
    with aimed_at(redis=cluster[0].described()):
        client, counted = redis_user()
        # "foo" is in slot 12182 (the cluster specification's own example), which is the third node's.
        fails("moved", lambda: client.get("foo"))
        fails("cross slot", lambda: client.mget("foo", "hello"))
        assert kinds(counted) == ["moved", "cross slot"]


def test_keys_of_several_slots_in_one_command(cluster: list[Login]) -> None:
    with aimed_at(redis={**cluster[0].described(), "cluster": True}):
        client, counted = redis_user()
        fails("cross slot", lambda: client.mget("foo", "hello"))
        assert client.mget("{same}1", "{same}2") == [None, None]
        assert kinds(counted) == ["cross slot", None]


def test_a_cluster_with_a_part_missing() -> None:
    with redis_server(None, "--cluster-enabled", "yes", "--cluster-port", str(free_port())) as alone:
        with aimed_at(redis=alone.described()):
            client, _ = redis_user()
            fails("cluster down", lambda: client.get("a"))
        with aimed_at(redis={**alone.described(), "cluster": True}):
            client, counted = redis_user()
            fails("cluster down", lambda: client.get("a"))
            assert kinds(counted) == ["cluster down"]
