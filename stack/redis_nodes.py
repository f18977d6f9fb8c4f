"""Redis: one server, or three masters that share the keys as a cluster (`redis.cluster`)."""

from __future__ import annotations

import contextlib
import shlex
import shutil
from dataclasses import dataclass
from typing import Any

import redis

from stack.errors import StackError
from stack.knobs import Knobs
from stack.place import Place
from stack.ports import Ports
from stack.programs import find_program
from stack.supervision import wait_until

MASTERS = 3
SLOTS = 16384
_FORMED_S = 30.0


@dataclass(frozen=True)
class Node:
    """One server. `bus_port` is where the nodes of a cluster talk to one another."""

    name: str
    port: int
    bus_port: int


def nodes(knobs: Knobs, ports: Ports) -> list[Node]:
    """The servers of a stack: `redis`, or `redis1` to `redis3`."""
    if not knobs.redis.cluster:
        return [Node("redis", ports.redis, 0)]
    return [Node(f"redis{n + 1}", ports.redis_node(n), ports.redis_bus(n)) for n in range(MASTERS)]


def command(place: Place, node: Node) -> list[str]:
    """How a server is started."""
    program = find_program("redis-server", "redis-check-rdb")
    config = str(place.folder / f"{node.name}.conf")
    if program.name == "redis-server":
        return [str(program), config]
    # Debian ships the server under this name in redis-tools; it acts by the name it is called by.
    return ["/bin/bash", "-c", f'exec -a redis-server {shlex.quote(str(program))} "$0"', config]


def configure(place: Place, knobs: Knobs, node: Node) -> None:
    """Empty its folder and write what a server reads when it starts."""
    data, secret = place.folder / node.name, place.credentials()["redis"]
    shutil.rmtree(
        data, ignore_errors=True
    )  # no keys outlive a server, so its place in a cluster need not either
    data.mkdir()
    text = (
        f'bind 127.0.0.1\nport {node.port}\nrequirepass {secret}\ndir "{data}"\nsave ""\nappendonly no\n'
        f"maxmemory {knobs.redis.maxmemory}\nmaxmemory-policy {knobs.redis.maxmemory_policy}\n"
        # A new title would overwrite the process's environment, by which an orphan is known.
        "latency-tracking yes\nset-proc-title no\n"
    )
    if knobs.redis.cluster:
        text += (
            f"masterauth {secret}\ncluster-enabled yes\ncluster-config-file nodes.conf\n"
            f"cluster-port {node.bus_port}\ncluster-node-timeout 5000\n"
        )
    place.write(f"{node.name}.conf", text)


def form_cluster(place: Place, members: list[Node]) -> None:
    """Make servers that have just been started one cluster, and wait until it serves. Raises StackError."""
    with contextlib.ExitStack() as opened:
        clients = [opened.enter_context(_client(place, node)) for node in members]
        try:
            _share_slots(clients, members)
            wait_until(lambda: all(map(_serves, clients)), _FORMED_S)
        except redis.RedisError as problem:
            raise StackError(f"the Redis cluster could not be formed: {problem}") from problem
    words = cluster_problem(place, members)
    if words:
        raise StackError(f"the Redis cluster does not serve: {words}")


def _share_slots(clients: list[Any], members: list[Node]) -> None:
    edges = [SLOTS * n // len(members) for n in range(len(members) + 1)]
    for number, client in enumerate(clients):
        client.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
        client.execute_command("CLUSTER ADDSLOTSRANGE", edges[number], edges[number + 1] - 1)
    for node in members[1:]:
        clients[0].execute_command("CLUSTER MEET", "127.0.0.1", node.port, node.bus_port)


def cluster_problem(place: Place, members: list[Node]) -> str:
    """What is wrong with the cluster, in words; empty where every master serves its share of the slots."""
    for node in members:
        with _client(place, node) as client:
            try:
                told = _told(client)
            except redis.RedisError as problem:
                return f"{node.name} does not answer: {problem}"
        if told["cluster_state"] != "ok" or told["cluster_size"] != len(members):
            served = f"{told['cluster_slots_ok']} of {SLOTS} slots at {told['cluster_size']} masters"
            return f"{node.name} says {told['cluster_state']}: {served}"
    return ""


def _serves(client: Any) -> bool:
    told = _told(client)
    return bool(told["cluster_state"] == "ok" and told["cluster_size"] == MASTERS)


def _told(client: Any) -> dict[str, Any]:
    lines = client.execute_command("CLUSTER INFO")
    return {key: int(value) if str(value).isdigit() else value for key, value in lines.items()}


def _client(place: Place, node: Node) -> redis.Redis:
    return redis.Redis(
        port=node.port,
        password=place.credentials()["redis"],
        protocol=2,
        decode_responses=True,
        socket_timeout=2,
        socket_connect_timeout=1,
        retry_on_error=[],
    )
