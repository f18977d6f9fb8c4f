"""The harness's tRPC client against the genuine @trpc/server 11: what it is told, and what it counts."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from load.failure import Failure
from load.trpc import TrpcClient
from tests.load.scripted import Counted, Scripted, client_for
from tests.peers import node

Peer = tuple[TrpcClient, Counted]
AT = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)


@pytest.fixture(scope="module")
def serve() -> Iterator[Callable[[str], int]]:
    """Starts a server of a kind, once; returns its port."""
    ports: dict[str, int] = {}
    started: list[subprocess.Popen[str]] = []

    def start(kind: str) -> int:
        if kind not in ports:
            server = node.start(node.HERE / "trpc_server.mjs", kind)
            started.append(server)
            assert server.stdout is not None
            ports[kind] = int(server.stdout.readline())
        return ports[kind]

    yield start
    for server in started:
        server.communicate(timeout=30)


@pytest.fixture(params=["plain", "superjson"])
def peer(request: pytest.FixtureRequest, serve: Callable[[str], int]) -> Peer:
    """A client of the server, and what it counted."""
    client, counted = client_for(Scripted(serve(request.param)))
    return TrpcClient(client, "", is_superjson=request.param == "superjson"), counted


def codes(counted: Counted) -> list[tuple[str, str | None]]:
    return [(said["name"], getattr(said["exception"], "kind", None)) for said in counted]


def at_of(api: TrpcClient) -> Any:
    """The date as it arrives: only superjson has dates."""
    return AT if api._is_superjson else "2026-01-02T03:04:05.678Z"


def test_a_query_and_a_mutation(peer: Peer) -> None:
    api, counted = peer
    assert api.query("item.byId", {"id": 7}) == {"id": 7, "name": "item 7 é", "at": at_of(api)}
    assert api.mutation("item.create", {"name": "new"})["name"] == "new"
    assert api.mutation("item.nothing") is None
    assert codes(counted) == [("item.byId", None), ("item.create", None), ("item.nothing", None)]


def test_dates_go_there_and_back_by_superjson(serve: Callable[[str], int]) -> None:
    client, _ = client_for(Scripted(serve("superjson")))
    api = TrpcClient(client, "", is_superjson=True)
    assert api.mutation("item.create", {"name": "due", "due": AT})["due"] == AT


@pytest.mark.parametrize(
    ("procedure", "given", "code"),
    [
        ("item.byId", {"id": 2000}, "NOT_FOUND"),
        ("item.byId", {"id": "seven"}, "BAD_REQUEST"),
        ("item.fail", None, "INTERNAL_SERVER_ERROR"),
        ("item.create", {"name": "x"}, "METHOD_NOT_SUPPORTED"),
        ("no.such", None, "NOT_FOUND"),
    ],
)
def test_errors_are_counted_by_the_servers_own_code(
    peer: Peer, procedure: str, given: Any, code: str
) -> None:
    api, counted = peer
    with pytest.raises(Failure):
        api.query(procedure, given)
    assert codes(counted) == [(procedure, code)]


@pytest.mark.parametrize("is_streamed", [False, True])
def test_each_item_of_a_batch_is_judged_by_itself(peer: Peer, is_streamed: bool) -> None:
    api, counted = peer
    calls = [
        ("item.byId", {"id": 1}),
        ("item.byId", {"id": 2000}),
        ("item.fail", None),
        ("item.served", None),
    ]
    before = api.query("item.served")
    counted.clear()
    with pytest.raises(Failure):
        api.batch(calls, is_streamed=is_streamed)
    assert codes(counted) == [
        ("item.byId", None),
        ("item.byId", "NOT_FOUND"),
        ("item.fail", "INTERNAL_SERVER_ERROR"),
        ("item.served", None),
    ]
    after = api.query("item.served")
    assert (after["byId"] - before["byId"], after["fail"] - before["fail"]) == (2, 1)
    assert api.batch([("item.byId", {"id": n}) for n in (3, 4)], is_streamed=is_streamed)[1]["id"] == 4
    made = api.batch([("item.create", {"name": "a"}), ("item.nothing", None)], is_mutation=True)
    assert (made[0]["name"], made[1]) == ("a", None)


def test_a_streamed_item_is_not_held_up_by_a_slow_one(peer: Peer) -> None:
    api, counted = peer
    assert api.batch([("item.slow", 400), ("item.byId", {"id": 1})], is_streamed=True)[0] == "slow"
    took_ms = {said["name"]: said["response_time"] for said in counted}
    assert took_ms["item.slow"] >= 400
    assert took_ms["item.byId"] < took_ms["item.slow"]
