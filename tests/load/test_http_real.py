"""The lean client against a real HTTP server, HAProxy: plain, by TLS with a custom CA, by IPv6."""

from __future__ import annotations

import gzip
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gevent
import pytest

from benchmarks.servers import haproxy
from load.http_client import HttpClient, Options
from load.launch import free_port
from tests.load.scripted import Counted, failure_kind

PAGE = b"line of a page\n" * 900
IDLE_S = 0.1

ANSWERS = {
    "/port": 'status 200 content-type text/plain lf-string "%cp"',
    "/counter": 'status 200 content-type text/plain lf-string "%rt"',
    "/echo": 'status 200 content-type text/plain lf-string "%[method] %[hdr(x-key)] %[hdr(content-length)]"',
    "/page": 'status 200 content-type text/plain hdr Server-Timing "db;dur=1.5" file {folder}/page',
    "/gzip": "status 200 content-type text/plain hdr Content-Encoding gzip file {folder}/page.gz",
    "/etag": "status 200 content-type text/plain hdr ETag v1 file {folder}/page",
    "/missing": "status 404",
}
RULES = """
    timeout tarpit 20s
    http-request return status 304 hdr ETag v1 if {{ path /etag }} {{ req.hdr(If-None-Match) -m found }}
    http-request redirect location /echo code 303 if {{ path /moved }}
    http-request redirect location /loop code 302 if {{ path /loop }}
    http-request reject if {{ path /reject }}
    http-request tarpit if {{ path /slow }}
""" + "".join(f"    http-request return {how} if {{{{ path {path} }}}}\n" for path, how in ANSWERS.items())
CONFIG = """
frontend all
    bind 127.0.0.1:{plain}
    {six}
    bind 127.0.0.1:{tls} ssl crt {folder}/server.pem
{rules}
frontend impatient
    bind 127.0.0.1:{impatient}
    timeout http-keep-alive {idle_ms}ms
{rules}
"""


@dataclass(frozen=True)
class Served:
    """Where the server listens; its certificate is for 127.0.0.1 alone, by an authority of its own."""

    plain: int
    tls: int
    impatient: int
    six: int | None
    ca_file: str


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    make_certificates(folder)
    (folder / "page").write_bytes(PAGE)
    (folder / "page.gz").write_bytes(gzip.compress(PAGE))
    plain, tls, impatient = free_port(), free_port(), free_port()
    six = free_port() if has_ipv6() else None
    config = CONFIG.format(
        plain=plain,
        tls=tls,
        impatient=impatient,
        six=f"bind [::1]:{six}" if six else "",
        folder=folder,
        idle_ms=int(IDLE_S * 1000),
        rules=RULES.format(folder=folder),
    )
    with haproxy(config, plain):
        yield Served(plain, tls, impatient, six, str(folder / "ca.pem"))


def make_certificates(folder: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not here to make certificates")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    for arguments in (
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test-authority -keyout ca.key -out ca.pem",
        "req -newkey rsa:2048 -nodes -subj /CN=served -keyout server.key -out server.csr",
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names -out server.crt",
    ):
        subprocess.run(["openssl", *arguments.split()], cwd=folder, check=True, capture_output=True)
    (folder / "server.pem").write_bytes(
        (folder / "server.crt").read_bytes() + (folder / "server.key").read_bytes()
    )


def has_ipv6() -> bool:
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            return False
    return True


def client_of(url: str, **options: Any) -> tuple[HttpClient, Counted]:
    counted = Counted()
    settings = Options(**{"timeout_s": 10.0, **options})
    return HttpClient(url, settings, request_event=counted), counted


@pytest.fixture(params=["plain", "tls", "six"])
def anyhow(request: pytest.FixtureRequest, served: Served) -> tuple[HttpClient, Counted]:
    """A client of the same server by each way to it."""
    if request.param == "six" and served.six is None:
        pytest.skip("no IPv6 loopback here")
    urls = {
        "plain": f"http://127.0.0.1:{served.plain}",
        "tls": f"https://127.0.0.1:{served.tls}",
        "six": f"http://[::1]:{served.six}",
    }
    return client_of(urls[request.param], ca_file=served.ca_file)


def test_answers_come_whole_over_one_connection(anyhow: tuple[HttpClient, Counted]) -> None:
    client, counted = anyhow
    ports = {client.get("/port").text for _ in range(5)}
    assert len(ports) == 1
    page = client.get("/page")
    assert page.content == PAGE
    assert page.server_timing_us == {"db": 1500}
    assert page.bytes_received > len(PAGE)
    compressed = client.get("/gzip")
    assert compressed.content == PAGE
    assert compressed.bytes_received < len(PAGE)
    assert client.head("/page").content == b""
    assert client.post("/echo", data=b"x" * 2000, headers={"X-Key": "k"}).text == "POST k 2000"
    assert client.get("/missing").status_code == 404
    assert client.get("/port").text in ports
    assert [said["exception"] is None for said in counted] == [True] * 9 + [False, True]
    client.close()


def test_every_request_is_counted_as_the_server_counts(anyhow: tuple[HttpClient, Counted]) -> None:
    client, counted = anyhow
    first = int(client.get("/counter").text)
    gevent.joinall([gevent.spawn(client.get, "/page") for _ in range(20)])
    last = int(client.get("/counter").text)
    assert last - first == 21
    assert len(counted) == 22
    client.close()


def test_redirects_on_request_and_no_further_than_allowed(anyhow: tuple[HttpClient, Counted]) -> None:
    client, counted = anyhow
    assert client.post("/moved", data=b"x").status_code == 303
    followed = client.post("/moved", data=b"x", allow_redirects=True)
    assert followed.text.startswith("GET")
    assert [hop.status_code for hop in followed.history] == [303]
    assert failure_kind(client.get("/loop", allow_redirects=True)) == "redirects"
    assert len(counted) == 3
    client.close()


def test_a_size_limit_a_timeout_and_a_refusal(anyhow: tuple[HttpClient, Counted]) -> None:
    client, _ = anyhow
    small, _ = client_of(client.base_url, ca_file=client.session.options.ca_file, max_response_bytes=10_000)
    assert failure_kind(small.get("/page")) == "too large"
    assert failure_kind(small.get("/gzip")) == "too large"
    assert small.get("/port").ok
    began = client.get("/slow", timeout=0.2)
    assert failure_kind(began) == "timeout"
    assert began.response_time_us >= 199_000
    assert failure_kind(client.get("/reject")) == "closed early"
    for each in (client, small):
        each.close()


def test_a_browser_cache_spares_the_body(anyhow: tuple[HttpClient, Counted]) -> None:
    client, _ = anyhow
    first = client.get("/etag", cache=True)
    second = client.get("/etag", cache=True)
    assert first.content == second.content == PAGE
    assert second.from_cache
    assert second.bytes_received < 500
    client.close()


def test_a_connection_that_the_server_closed_meanwhile_is_replaced(served: Served) -> None:
    client, counted = client_of(f"http://127.0.0.1:{served.impatient}")
    ports = []
    for _ in range(3):
        ports.append(client.get("/port").text)
        gevent.sleep(3 * IDLE_S)
    assert len(set(ports)) == 3
    assert client.post("/echo", data=b"x").ok
    assert [said["exception"] for said in counted] == [None] * 4
    client.close()


def test_a_certificate_that_cannot_be_trusted(served: Served) -> None:
    url = f"https://127.0.0.1:{served.tls}"
    assert failure_kind(client_of(url)[0].get("/page")) == "tls", "of an authority that nobody knows"
    assert client_of(url, verify=False)[0].get("/page").content == PAGE
    named = f"https://localhost:{served.tls}"
    assert failure_kind(client_of(named, ca_file=served.ca_file)[0].get("/page")) == "tls", "for another name"
    assert failure_kind(client_of(url.replace("https", "http"))[0].get("/page")) in (
        "closed early",
        "protocol",
        "status 400",
    )
    plain = f"https://127.0.0.1:{served.plain}"
    assert failure_kind(client_of(plain, ca_file=served.ca_file)[0].get("/page")) == "tls"
