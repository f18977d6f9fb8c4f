"""The lean HTTP client against a server that answers as told: bodies, reuse, redirects, limits, counting."""

import gzip
import subprocess
import zlib
from pathlib import Path
from typing import Any

import gevent
import gevent.ssl
import pytest
from locust.exception import LocustError, RescheduleTask

from load.http_client import HttpClient, Options
from tests.load.scripted import CLOSE, RESET, Counted, answer, client_for, scripted


def kind(response: Any) -> str | None:
    return getattr(response.error, "kind", None)


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


def test_a_stale_connection_is_replaced_without_anyone_noticing() -> None:
    with scripted(lambda _: [answer(), CLOSE]) as server:
        client, counted = client_for(server)
        for _ in range(3):
            assert client.get("/").ok
            gevent.sleep(0.02)
        assert client.post("/", data=b"x").ok
        assert server.connections == 4
        assert len(counted) == 4


@pytest.mark.parametrize(("method", "is_retried"), [("GET", True), ("PUT", True), ("POST", False)])
def test_a_connection_that_breaks_under_the_request(method: str, is_retried: bool) -> None:
    with scripted(lambda number: [RESET] if number == 1 else [answer()]) as server:
        client, counted = client_for(server)
        client.get("/")
        response = client.request(method, "/")
        assert response.ok == is_retried
        assert kind(response) in (None, "reset", "closed early")
        assert len(server.requests) == (3 if is_retried else 2)
        assert len(counted) == 2


def test_it_is_retried_once_only_and_never_after_the_first_byte() -> None:
    with scripted(lambda number: [answer()] if number == 0 else [CLOSE]) as server:
        client, _ = client_for(server)
        client.get("/")
        assert kind(client.get("/")) == "closed early"
        assert len(server.requests) == 3
    with scripted(lambda number: [answer()] if number == 0 else [b"HTTP/1.1 2", CLOSE]) as server:
        client, _ = client_for(server)
        client.get("/")
        assert kind(client.get("/")) == "closed early"
        assert len(server.requests) == 2


def test_nobody_listens() -> None:
    with scripted(answer()) as server:
        pass
    client, counted = client_for(server)
    assert kind(client.get("/")) == "connect refused"
    assert len(counted) == 1


def test_a_host_that_does_not_exist() -> None:
    client = HttpClient("http://nowhere.invalid", Options(connect_timeout_s=5))
    assert kind(client.get("/")) in ("dns", "connect timeout")


def test_a_connect_timeout() -> None:
    listener = gevent.socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    address = listener.getsockname()
    fillers = []
    for _ in range(4):  # beyond the queue of connections to be accepted the kernel ignores new ones
        filler = gevent.socket.socket()
        filler.setblocking(False)
        filler.connect_ex(address)
        fillers.append(filler)
    client = HttpClient(f"http://127.0.0.1:{address[1]}", Options(connect_timeout_s=0.2))
    assert kind(client.get("/")) == "connect timeout"
    for sock in (listener, *fillers):
        sock.close()


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_from_status_400_it_is_a_failure(status: int) -> None:
    with scripted(answer(b"no", status=f"{status} No")) as server:
        client, counted = client_for(server)
        response = client.get("/")
        assert (response.status_code, response.content, response.ok) == (status, b"no", False)
        assert kind(response) == f"status {status}"
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
        assert kind(client.get("/", headers={"X": "a\r\nEvil: 1"})) == "request"
        assert kind(client.get("/", headers={"X y": "a"})) == "request"
        client.get("/a\r\nEvil: 1")
        assert server.requests[0].startswith(b"GET /a%0D%0AEvil:%201 HTTP/1.1\r\n")
        assert len(counted) == 3


def test_redirects_are_followed_on_request() -> None:
    def script(number: int) -> list[bytes]:
        if number == 0:
            return [answer(b"", status="302 Found", Location="../next?x=1", Set_Cookie="seen=1; Path=/")]
        return [answer(b"there")]

    with scripted(script) as server:
        client, counted = client_for(server)
        response = client.post("/a/b", data=b"body", allow_redirects=True)
        assert response.content == b"there"
        assert [hop.status_code for hop in response.history] == [302]
        assert response.url == f"{server.url}/next?x=1"
        assert server.requests[1].startswith(b"GET /next?x=1 HTTP/1.1")
        assert b"Cookie: seen=1" in server.requests[1]
        assert len(counted) == 1


def test_redirects_are_left_alone_otherwise_and_end_somewhere() -> None:
    with scripted(answer(b"", status="302 Found", Location="/again")) as server:
        client, counted = client_for(server, max_redirects=3)
        assert client.get("/").status_code == 302
        assert kind(client.get("/", allow_redirects=True)) == "redirects"
        assert len(server.requests) == 5
        assert len(counted) == 2


def test_credentials_stay_with_their_origin() -> None:
    with scripted(answer()) as other:
        away = answer(b"", status="307 Temporary Redirect", Location=f"{other.url}/x")
        with scripted(away) as server:
            client = HttpClient(
                server.url.replace("http://", "http://me:secret@"), Options(allow_redirects=True)
            )
            client.post("/", data=b"kept")
        assert b"Authorization" in server.requests[0]
        assert b"Authorization" not in other.requests[0]
        assert other.requests[0].endswith(b"kept")


def test_a_large_upload_and_a_large_answer() -> None:
    body = bytes(range(256)) * 20_000
    with scripted(answer(body)) as server:
        client, _ = client_for(server, timeout_s=30)
        response = client.post("/", data=body)
        assert response.content == body
        assert server.requests[0].endswith(body)
        assert response.bytes_received > len(body)


def test_several_greenlets_share_a_user() -> None:
    with scripted([0.02, answer()]) as server:
        client, counted = client_for(server)
        gevent.joinall([gevent.spawn(client.get, f"/{n}") for n in range(5)])
        gevent.joinall([gevent.spawn(client.get, f"/{n}") for n in range(5)])
        assert server.connections == 5
        assert [said["exception"] for said in counted] == [None] * 10


def test_a_killed_greenlet_leaves_no_half_read_connection() -> None:
    with scripted(lambda number: [0.2, answer(b"late")] if number == 0 else [answer(b"right")]) as server:
        client, _ = client_for(server)
        slow = gevent.spawn(client.get, "/slow")
        gevent.sleep(0.05)
        slow.kill()
        assert client.get("/").content == b"right"


def test_browser_cache_spares_requests_and_asks_with_conditions() -> None:
    def script(number: int) -> list[bytes]:
        if b"If-None-Match" in server.requests[number]:
            return [b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n']
        if b"/fresh" in server.requests[number]:
            return [answer(b"style", Cache_Control="public, max-age=600", ETag='"f"')]
        if b" /private" in server.requests[number]:
            return [answer(b"mine", Cache_Control="no-store", ETag='"p"')]
        return [answer(b"page", ETag='"a"')]

    with scripted(script) as server:
        client, counted = client_for(server, browser_cache=True)
        for _ in range(3):
            assert client.get("/page").content == b"page"
            assert client.get("/fresh.css").content == b"style"
        assert client.get("/page").status_code == 200
        assert client.get("/fresh.css", cache=False).from_cache is False
        assert client.get("/private").content == b"mine"  # never kept, so no miss either
        counts = client.cache.counts if client.cache else None
        assert counts is not None
        assert (counts.missed, counts.revalidated, counts.fresh) == (2, 3, 2)
        assert counts.bytes_saved == 3 * len(b"page") + 2 * len(b"style")
        assert len(counted) == len(server.requests) == 7


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    made = subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-keyout",
            "key.pem",
            "-out",
            "cert.pem",
        ],
        cwd=folder,
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip("openssl cannot make a certificate here")
    return folder


def test_tls_is_verified_unless_told_otherwise(certificate: Path) -> None:
    context = gevent.ssl.SSLContext(gevent.ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    body = bytes(range(256)) * 2000
    with scripted(answer(body), ssl_context=context) as server, gevent.Timeout(30):
        url = server.url.replace("http://", "https://")
        trusting = HttpClient(url, Options(ca_file=str(certificate / "cert.pem")))
        for _ in range(3):
            assert trusting.post("/", data=body).content == body
        assert server.connections == 1
        assert kind(HttpClient(url).get("/")) == "tls"
        assert HttpClient(url, Options(verify=False)).get("/").content == body
        assert kind(HttpClient(url, Options(ca_file="/nonexistent.pem")).get("/")) == "tls"
    with scripted(answer()) as server:
        url = server.url.replace("http://", "https://")
        assert kind(HttpClient(url, Options(timeout_s=0.3)).get("/")) == "connect timeout"


def test_ipv6() -> None:
    listener = gevent.socket.socket(gevent.socket.AF_INET6)
    try:
        listener.bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 loopback here")
    listener.listen(5)

    def serve(sock: Any, _: Any) -> None:
        sock.recv(1000)
        sock.sendall(answer(b"six"))

    server = gevent.server.StreamServer(listener, serve)
    server.start()
    client = HttpClient(f"http://[::1]:{listener.getsockname()[1]}", request_event=Counted())
    assert client.get("/").content == b"six"
    server.stop(timeout=0)


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
        assert kind(client.get("/", on_data=lambda _: gevent.sleep(0.2))) == "timeout"
