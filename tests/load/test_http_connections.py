"""Connections of the lean HTTP client: kept, replaced, refused, shared, encrypted."""

import subprocess
from pathlib import Path
from typing import Any

import gevent
import gevent.ssl
import pytest

from load.http_client import HttpClient, Options
from tests.load.scripted import CLOSE, RESET, Counted, answer, client_for, failure_kind, scripted


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
        assert failure_kind(response) in (None, "reset", "closed early")
        assert len(server.requests) == (3 if is_retried else 2)
        assert len(counted) == 2


def test_it_is_retried_once_only_and_never_after_the_first_byte() -> None:
    with scripted(lambda number: [answer()] if number == 0 else [CLOSE]) as server:
        client, _ = client_for(server)
        client.get("/")
        assert failure_kind(client.get("/")) == "closed early"
        assert len(server.requests) == 3
    with scripted(lambda number: [answer()] if number == 0 else [b"HTTP/1.1 2", CLOSE]) as server:
        client, _ = client_for(server)
        client.get("/")
        assert failure_kind(client.get("/")) == "closed early"
        assert len(server.requests) == 2


def test_nobody_listens() -> None:
    with scripted(answer()) as server:
        pass
    client, counted = client_for(server)
    assert failure_kind(client.get("/")) == "connect refused"
    assert len(counted) == 1


def test_a_host_that_does_not_exist() -> None:
    client = HttpClient("http://nowhere.invalid", Options(connect_timeout_s=5))
    assert failure_kind(client.get("/")) in ("dns", "connect timeout")


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
    assert failure_kind(client.get("/")) == "connect timeout"
    for sock in (listener, *fillers):
        sock.close()


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
        assert failure_kind(HttpClient(url).get("/")) == "tls"
        assert HttpClient(url, Options(verify=False)).get("/").content == body
        assert failure_kind(HttpClient(url, Options(ca_file="/nonexistent.pem")).get("/")) == "tls"
    with scripted(answer()) as server:
        url = server.url.replace("http://", "https://")
        assert failure_kind(HttpClient(url, Options(timeout_s=0.3)).get("/")) == "connect timeout"


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
