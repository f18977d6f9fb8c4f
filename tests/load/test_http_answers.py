"""Where an answer ends, and what of its body the scenario is given."""

import gzip
import zlib

import gevent
import pytest

from tests.load.scripted import CLOSE, answer, client_for, failure_kind, scripted


@pytest.mark.parametrize(
    ("raw", "method", "status", "body", "reused"),
    [
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", "GET", 204, b"", True),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "GET", 304, b"", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", "HEAD", 200, b"", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HEAD", 200, b"", True),
        (b"HTTP/1.1 200 OK\r\n\r\n", "HEAD", 200, b"", True),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + answer(b"x"), "POST", 200, b"x", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "GET", 200, b"", True),
        (answer(b"x", Connection="close"), "GET", 200, b"x", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", "GET", 200, b"x", False),
    ],
)
def test_where_an_answer_ends(raw: bytes, method: str, status: int, body: bytes, reused: bool) -> None:
    with scripted(lambda _: [raw] if reused else [raw, CLOSE]) as server, gevent.Timeout(20):
        client, _ = client_for(server)
        for _ in range(3):
            response = client.request(method, "/")
            assert (response.status_code, response.content) == (status, body)
        assert server.connections == (1 if reused else 3)


def test_a_body_may_last_until_the_connection_closes() -> None:
    with scripted([b"HTTP/1.1 200 OK\r\n\r\nhel", 0.01, b"lo", CLOSE]) as server:
        client, counted = client_for(server)
        assert client.get("/").content == b"hello"
        assert counted[0]["exception"] is None


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(b"hello " * 1000)),
        ("x-gzip", gzip.compress(b"hello " * 500) + gzip.compress(b"hello " * 500)),
        ("deflate", zlib.compress(b"hello " * 1000)),
        ("deflate", zlib.compress(b"hello " * 1000, wbits=-15)),
        ("identity", b"hello " * 1000),
    ],
)
def test_compressed_bodies(coding: str, body: bytes) -> None:
    with scripted(answer(body, Content_Encoding=coding)) as server:
        client, _ = client_for(server)
        assert client.get("/").content == b"hello " * 1000


def test_a_large_upload_and_a_large_answer() -> None:
    body = bytes(range(256)) * 20_000
    with scripted(answer(body)) as server:
        client, _ = client_for(server, timeout_s=30)
        response = client.post("/", data=body)
        assert response.content == body
        assert server.requests[0].endswith(body)
        assert response.bytes_received > len(body)


def test_what_comes_while_the_scenario_takes_its_time_over_a_piece_is_not_lost() -> None:
    pieces: list[bytes] = []

    def slowly(piece: bytes) -> None:
        pieces.append(piece)
        gevent.sleep(0.05)  # the rest of the body, and the end of it, come meanwhile

    head = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
    with scripted([head + b"one", 0.01, b"two", 0.01, b"six"]) as server, gevent.Timeout(20):
        client, _ = client_for(server)
        for _ in range(2):
            assert client.get("/", on_data=slowly).ok
        assert b"".join(pieces) == b"onetwosix" * 2
        assert server.connections == 1


def test_a_timeout_holds_though_it_passed_while_the_scenario_had_a_piece() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
    with scripted([head + b"one", 60.0]) as server, gevent.Timeout(20):
        client, _ = client_for(server, timeout_s=0.1)
        assert failure_kind(client.get("/", on_data=lambda _: gevent.sleep(0.2))) == "timeout"
