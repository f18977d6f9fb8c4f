"""The tRPC client against exchanges recorded from a real @trpc/server 11: same requests, items one by one."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import gevent
import pytest

from load import recorder, superjson
from load.failure import Failure
from load.trpc import TrpcClient
from tests.load.scripted import CLOSE, answer, client_for, scripted

VECTORS = Path(__file__).parents[1] / "stack_app" / "data" / "trpc_exchanges.jsonl"
EXCHANGES = [json.loads(line) for line in VECTORS.read_text().splitlines()]
CALLS = [e for e in EXCHANGES if e["method"] in ("GET", "POST") and e["body_kind"] in ("json", "jsonl")]


def as_sent(exchange: dict[str, Any]) -> bytes:
    """The recorded answer's bytes."""
    body = exchange["body"]
    is_lines = exchange["body_kind"] == "jsonl"
    text = "".join(json.dumps(line) + "\n" for line in body) if is_lines else json.dumps(body)
    return answer(text.encode(), status=f"{exchange['status']} X", Content_Type=exchange["content_type"])


def procedures(exchange: dict[str, Any]) -> list[str]:
    return str(exchange["path"].partition("?")[0]).strip("/").split(",")


@pytest.mark.parametrize("exchange", CALLS, ids=lambda e: f"{e['method']} {e['path']}")
def test_items_are_counted_as_the_real_server_answered(exchange: dict[str, Any]) -> None:
    names = procedures(exchange)
    is_superjson = exchange["server"] == "superjson"
    is_batch = "batch=1" in exchange["path"]
    with scripted(as_sent(exchange)) as server:
        client, counted = client_for(server)
        api = TrpcClient(client, "", is_superjson=is_superjson)
        try:
            if is_batch:
                is_streamed = exchange["body_kind"] == "jsonl"
                is_mutation = exchange["method"] == "POST"
                api.batch([(n, None) for n in names], is_mutation=is_mutation, is_streamed=is_streamed)
            elif exchange["method"] == "GET":
                api.query(names[0])
            else:
                api.mutation(names[0])
        except Failure:
            pass
    assert [said["name"] for said in counted] == names
    codes = [getattr(said["exception"], "kind", None) for said in counted]
    assert codes == expected_codes(exchange, len(names))


def expected_codes(exchange: dict[str, Any], count: int) -> list[str | None]:
    """By the recorded body itself; in streams the vectors' only failing procedure is item.boom."""
    body = exchange["body"]
    if exchange["body_kind"] == "jsonl":
        return ["NOT_FOUND" if name == "item.boom" else None for name in procedures(exchange)]
    items = body if isinstance(body, list) else [body] * count
    errors = [item.get("error") for item in items]
    plain = [error.get("json", error) if error else None for error in errors]
    return [error["data"]["code"] if error else None for error in plain]


def test_requests_look_like_the_real_clients() -> None:
    with scripted(answer(b'[{"result":{"data":1}},{"result":{"data":2}}]')) as server:
        client, _ = client_for(server)
        api = TrpcClient(client, "/trpc", {"authorization": "Bearer t"})
        assert api.batch([("item.list", None), ("item.byId", {"id": 2})]) == [1, 2]
        assert api.batch([("a", {"x": 1}), ("b", None)], is_mutation=True) == [1, 2]
        query, mutation = (unquote(request.decode()) for request in server.requests)
        assert query.startswith('GET /trpc/item.list,item.byId?batch=1&input={"1":{"id":2}} HTTP/1.1')
        assert mutation.startswith("POST /trpc/a,b?batch=1 HTTP/1.1")
        assert mutation.endswith('{"0":{"x":1}}')
        assert "Content-Type: application/json" in mutation
        assert "authorization: Bearer t" in mutation


def test_a_stream_times_each_item_by_itself() -> None:
    lines = next(e for e in EXCHANGES if e["body_kind"] == "jsonl" and "slow" in e["path"])["body"]
    early = b"".join(json.dumps(line).encode() + b"\n" for line in lines[:5])
    late = b"".join(json.dumps(line).encode() + b"\n" for line in lines[5:])
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(early + late)
    with scripted([head + early, 0.2, late]) as server, gevent.Timeout(20):
        client, counted = client_for(server)
        with pytest.raises(Failure, match="no item"):
            TrpcClient(client, "").batch([("slow", 80), ("list", None), ("boom", None)], is_streamed=True)
        times = {said["name"]: said["response_time"] for said in counted}
        assert times["list"] < times["slow"]
        assert times["slow"] >= 199


def test_a_stream_that_breaks_off_fails_only_what_was_missing() -> None:
    lines = next(e for e in EXCHANGES if e["body_kind"] == "jsonl" and "slow" in e["path"])["body"]
    early = b"".join(json.dumps(line).encode() + b"\n" for line in lines[:5])
    with scripted([b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + early, CLOSE]) as server:
        client, counted = client_for(server)
        with pytest.raises(Failure):
            TrpcClient(client, "").batch([("slow", 80), ("list", None), ("boom", None)], is_streamed=True)
        kinds = {said["name"]: getattr(said["exception"], "kind", None) for said in counted}
        assert kinds == {"slow": "closed early", "list": None, "boom": "NOT_FOUND"}


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (answer(b"<html>", status="502 Bad Gateway"), "status 502"),
        (answer(b"<html>"), "protocol"),
        (answer(b'[{"result":{}}]'), "protocol"),
        (answer(b"[1,2]"), "protocol"),
    ],
)
def test_what_is_not_trpc_fails_every_item(raw: bytes, expected: str) -> None:
    with scripted(raw) as server:
        client, counted = client_for(server)
        with pytest.raises(Failure):
            TrpcClient(client).batch([("a", None), ("b", None)])
        assert getattr(counted[1]["exception"], "kind", None) == expected
        assert len(counted) == 2


def test_a_check_fails_the_item_it_finds_wrong() -> None:
    with scripted(answer(b'[{"result":{"data":1}},{"result":{"data":2}}]')) as server:
        client, counted = client_for(server)
        api = TrpcClient(client)
        assert api.batch([("a", None), ("b", None)], check=lambda n: "two!" if n == 2 else None) == [1, 2]
        assert [said["exception"] and str(said["exception"]) for said in counted] == [None, "two!"]


def test_kinds_of_users_are_told_apart_by_a_suffix() -> None:
    with scripted(answer(b'[{"result":{}},{"result":{}}]')) as server:
        client, counted = client_for(server)
        api = TrpcClient(client)
        api.suffix = " [large team]"
        api.batch([("a", None), ("b", None)])
    assert [said["name"] for said in counted] == ["a [large team]", "b [large team]"]


def test_a_batchs_server_timing_is_no_single_procedures() -> None:
    raw = answer(b'[{"result":{"data":1}},{"result":{"data":2}}]', Server_Timing="db;dur=4")
    single = answer(b'{"result":{"data":1}}', Server_Timing="db;dur=3")
    with scripted(lambda number: [raw] if number == 0 else [single]) as server:
        client, _ = client_for(server)
        taken = recorder.active = recorder.Recorder("g0")
        try:
            TrpcClient(client).batch([("a", None), ("b", None)])
            TrpcClient(client).query("c")
        finally:
            recorder.active = None
    parts = {piece.endpoint.name: piece.parts for piece in taken.flush()}
    assert parts["a"] == parts["b"] == {}
    assert parts["c"]["db"].sum_us == 3000


def test_superjson_goes_there_and_back() -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    for value in ({"a.b": [at, 1], "c": None}, at, [1, "x"], {}):
        assert superjson.decode(superjson.encode(value)) == value
    assert superjson.encode({"d": at}) == {
        "json": {"d": "2026-01-02T03:04:05.000Z"},
        "meta": {"values": {"d": ["Date"]}, "v": 1},
    }
    assert superjson.decode({"json": None, "meta": {"values": ["undefined"], "v": 1}}) is None
    wrong: Any
    for wrong in (None, [], {"meta": {}}, {"json": {}, "meta": {"values": {"x.y": ["Date"]}}}):
        with pytest.raises(ValueError, match="not superjson"):
            superjson.decode(wrong)
