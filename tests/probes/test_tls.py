"""Tiers that are reached by TLS: real servers whose certificate is trusted by `ca_file` alone."""

import http.server
import ipaddress
import os
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pymysql
import pytest
import redis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from probes.app import AppProbe
from probes.database import DatabaseProbe
from probes.pages import tls_context
from probes.probe import ProbeError, Reading
from probes.redis_server import RedisProbe
from probes.redis_server import client as redis_client
from results import HarnessError
from stack import admin, mariadb, redis_nodes
from stack.knobs import make_knobs
from stack.place import Place
from stack.programs import environment

PORT = 31421


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with cert.pem, for 127.0.0.1 and its own authority, and key.pem."""
    folder = tmp_path_factory.mktemp("certificate")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tests")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return folder


def wait_for(what: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while not what():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.03)


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Place]:
    """Where a server of the test's own keeps its things."""
    monkeypatch.setenv("HARNESS_STATE", str(tmp_path))
    made = Place("tls")
    made.make()
    yield made
    made.sockets.rmdir()


@pytest.mark.stack
def test_a_database_by_tls(place: Place, certificate: Path) -> None:
    secrets = place.credentials()
    sql = mariadb.accounts_sql(secrets) + "ALTER USER probe@'127.0.0.1' REQUIRE SSL;\n"
    place.write("init.sql", sql)
    mariadb.bootstrap(place.folder / "primary")
    command = mariadb.command(place, make_knobs({}), "primary", PORT)
    command += [f"--ssl-cert={certificate}/cert.pem", f"--ssl-key={certificate}/key.pem"]
    with (place.logs / "primary.log").open("w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **environment()})

    def answers() -> bool:
        try:
            admin.connect(place, "primary").close()
        except (pymysql.MySQLError, OSError):
            return False
        return True

    try:
        wait_for(answers, server)
        login = {"host": "127.0.0.1", "port": PORT, "user": "probe", "password": secrets["probe"]}
        trusted = {**login, "database": "app", "tls": True, "ca_file": str(certificate / "cert.pem")}
        probe = DatabaseProbe("primary", trusted)
        assert any(isinstance(r, Reading) and r.metric == "questions" for r in probe.sample())
        (row,) = probe.ask("SHOW STATUS LIKE 'Ssl_cipher'")
        assert row["Value"]
        probe.close()
        with pytest.raises(ProbeError, match=r"primary: .*certificate"):
            DatabaseProbe("primary", {**trusted, "ca_file": ""}).sample()
        with pytest.raises(ProbeError, match="refuses"):  # in clear this account may not sign in
            DatabaseProbe("primary", {**trusted, "tls": False}).sample()
    finally:
        server.terminate()
        server.wait(timeout=30)


@pytest.mark.stack
def test_redis_by_tls(place: Place, certificate: Path) -> None:
    node = redis_nodes.Node("redis", 0, 0)
    redis_nodes.configure(place, make_knobs({}), node)
    with (place.folder / "redis.conf").open("a") as config:
        config.write(f"tls-port {PORT}\ntls-auth-clients no\n")
        config.write(f"tls-cert-file {certificate}/cert.pem\ntls-key-file {certificate}/key.pem\n")
    server = subprocess.Popen(
        redis_nodes.command(place, node), stdout=subprocess.DEVNULL, env={**os.environ, **environment()}
    )
    password = place.credentials()["redis"]
    authority = str(certificate / "cert.pem")
    told = {"host": "127.0.0.1", "port": PORT, "password": password, "tls": True, "ca_file": authority}

    def answers() -> bool:
        try:
            with redis_client(told) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    try:
        wait_for(answers, server)
        probe = RedisProbe(told)
        assert any(reading.metric == "ops" for reading in probe.sample())
        probe.close()
        with pytest.raises(ProbeError, match=r"redis: .*certificate"):
            RedisProbe({**told, "ca_file": ""}).sample()
    finally:
        server.terminate()
        server.wait(timeout=30)


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        allowed = self.headers.get("Authorization") == "Basic b3BzOnAgdw=="  # ops:p w
        body = b"prisma_pool_connections_busy 3\n"
        self.send_response(200 if allowed else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def page(certificate: Path) -> Iterator[int]:
    """The port of a metrics page by https that wants the login `ops`, `p w`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def asked(url: str, tls: Any) -> list[Reading]:
    probe = AppProbe("api", "api1", url, tls)
    try:
        return probe.sample()
    finally:
        probe.close()


def test_a_page_by_tls_with_a_login(page: int, certificate: Path) -> None:
    trusting = tls_context(str(certificate / "cert.pem"))
    url = f"https://ops:p%20w@127.0.0.1:{page}/metrics"
    assert asked(url, trusting)[0].value == 3
    assert asked(url, tls_context(verify=False))[0].value == 3
    with pytest.raises(ProbeError, match="certificate") as refused:
        asked(url, tls_context())
    assert "p%20w" not in str(refused.value)
    with pytest.raises(ProbeError, match="api1's metrics page answers 401"):
        asked(f"https://127.0.0.1:{page}/metrics", trusting)


def test_authorities_that_cannot_be_read_are_said_before_the_run() -> None:
    with pytest.raises(HarnessError, match=r"the authorities in /nowhere\.pem cannot be read"):
        tls_context("/nowhere.pem")
