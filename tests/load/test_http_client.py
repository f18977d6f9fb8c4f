"""The lean HTTP client against a server that answers as told: what goes out, and what is counted."""

from typing import Any

import pytest
from locust.exception import (
    InterruptTaskSet,
    LocustError,
    RescheduleTask,
    RescheduleTaskImmediately,
    StopTest,
    StopUser,
)

from tests.load.scripted import answer, client_for, failure_kind, scripted


def test_it_keeps_one_connection_alive_and_counts_every_request() -> None:
    with scripted(answer(b"hello", Content_Type="text/plain")) as server:
        client, counted = client_for(server)
        for number in range(20):
            response = client.get(f"/item/{number}", name="/item/[id]")
            assert (response.status_code, response.text, response.ok) == (200, "hello", True)
        assert server.connections == 1
        assert {said["name"] for said in counted} == {"/item/[id]"}
        assert len(counted) == 20
        assert counted[0]["response_time"] * 1000 == counted[0]["response"].response_time_us
        assert client.get("/").headers["CONTENT-type"] == "text/plain"


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_from_status_400_it_is_a_failure(status: int) -> None:
    with scripted(answer(b"no", status=f"{status} No")) as server:
        client, counted = client_for(server)
        response = client.get("/")
        assert (response.status_code, response.content, response.ok) == (status, b"no", False)
        assert failure_kind(response) == f"status {status}"
        assert counted[0]["exception"] is response.error


def interrupt_after(action: Any) -> None:
    action()
    raise RescheduleTask


def test_a_with_block_decides() -> None:
    with scripted(answer(b"{}", status="404 Not Found")) as server:
        client, counted = client_for(server)
        with client.get("/", catch_response=True) as response:
            response.success()
        with client.get("/", catch_response=True) as response:
            response.failure("wrong")
        with client.get("/", catch_response=True):
            pass
        with pytest.raises(ZeroDivisionError), client.get("/", catch_response=True):
            _ = 1 / 0
        with pytest.raises(RescheduleTask), client.get("/", catch_response=True) as response:
            interrupt_after(response.success)
        assert [getattr(said["exception"], "kind", None) for said in counted] == [
            None,
            "check",
            "status 404",
            "check",
            None,
        ]
        assert str(counted[1]["exception"]) == "wrong"
        with pytest.raises(LocustError):
            client.get("/").failure("no block")
        with pytest.raises(LocustError), client.get("/"):
            pass


@pytest.mark.parametrize(
    "flow", [InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately, StopTest, StopUser]
)
def test_what_a_task_does_next_is_no_failure_of_its_request(flow: type[Exception]) -> None:
    with scripted(answer()) as server:
        client, counted = client_for(server)
        with pytest.raises(flow), client.get("/", catch_response=True):
            raise flow
        assert [said["exception"] for said in counted] == [None]


def test_what_goes_on_the_wire() -> None:
    with scripted(answer()) as server:
        client, _ = client_for(server)
        client.headers["X-Key"] = "k"
        client.post("/a b?x=1#frag", json={"é": [1, None]}, params={"q": "a&b"}, headers={"x-key": "other"})
        client.put("/", data={"a": "1 2", "b": ["x", "y"]})
        client.post("/")
        client.post("/", files={"f": ("n.bin", b"\x00\x01", "image/png")}, data={"k": "v"})
        client.get("/", auth=("me", "pass"))
        first, form, empty, multipart, auth = server.requests
        head, _, body = first.partition(b"\r\n\r\n")
        assert head.startswith(b"POST /a%20b?x=1&q=a%26b HTTP/1.1\r\nHost: 127.0.0.1:")
        assert body == b'{"\\u00e9":[1,null]}'
        assert b"Content-Type: application/json\r\n" in head
        assert b"x-key: other" in head
        assert b"X-Key: k" not in head
        assert form.endswith(b"a=1+2&b=x&b=y")
        assert b"Content-Length: 0" in empty
        assert b'name="f"; filename="n.bin"\r\nContent-Type: image/png\r\n\r\n\x00\x01\r\n' in multipart
        assert b"Authorization: Basic bWU6cGFzcw==" in auth


def test_nothing_can_be_smuggled_into_a_request() -> None:
    with scripted(answer()) as server:
        client, counted = client_for(server)
        assert failure_kind(client.get("/", headers={"X": "a\r\nEvil: 1"})) == "request"
        assert failure_kind(client.get("/", headers={"X y": "a"})) == "request"
        client.get("/a\r\nEvil: 1")
        assert server.requests[0].startswith(b"GET /a%0D%0AEvil:%201 HTTP/1.1\r\n")
        assert len(counted) == 3
