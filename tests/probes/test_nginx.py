"""nginx's status page and log against a real nginx that was asked a known number of times."""

import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from probes.access_log import AccessLogProbe
from probes.nginx import NginxProbe
from probes.probe import ProbeError
from stack.mysql import MORE, unpacked
from tests.more_servers import need_more_servers

CONFIG = """\
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  log_format timed '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
                   '"$http_referer" "$http_user_agent" rt=$request_time urt="$upstream_response_time"';
  access_log {folder}/combined.log combined; access_log {folder}/timed.log timed;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{port}; location /status {{ stub_status; }} location / {{ return 200 "ok"; }}
            location /broken {{ return 503; }} }}
}}
"""


def _listens(port: int) -> bool:
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[str]:
    """The address of an nginx of the test's own."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        need_more_servers()
    command = [program] if program else unpacked(MORE / "root" / "usr" / "sbin" / "nginx")
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
    config = tmp_path / "nginx.conf"
    config.write_text(CONFIG.format(folder=tmp_path, port=port))
    process = subprocess.Popen([*command, "-c", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while not _listens(port):
        assert process.poll() is None, (tmp_path / "error.log").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(timeout=10)


def test_requests_are_counted_as_they_were_made(nginx: str) -> None:
    probe = NginxProbe(f"{nginx}/status")
    before = {reading.metric: reading.value for reading in probe.sample()}
    for _ in range(25):
        urllib.request.urlopen(nginx, timeout=5).close()
    after = {reading.metric: reading.value for reading in probe.sample()}
    assert after["requests"] - before["requests"] == 26  # and the probe's own
    assert after["connections_dropped"] == 0


def test_another_page_is_said_not_to_be_a_status_page(nginx: str) -> None:
    with pytest.raises(ProbeError, match="stub_status"):
        NginxProbe(nginx).sample()


@pytest.mark.parametrize("log", ["combined.log", "timed.log"])
def test_its_log_has_each_request_and_its_time_where_it_is_told(nginx: str, tmp_path: Path, log: str) -> None:
    urllib.request.urlopen(nginx, timeout=5).close()  # before the run: not of it
    deadline = time.monotonic() + 20
    while not (tmp_path / log).read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    probe = AccessLogProbe(str(tmp_path / log))
    for _ in range(8):
        urllib.request.urlopen(nginx, timeout=5).close()
    for _ in range(3):
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(f"{nginx}/broken", timeout=5)
    told: dict[str, float] = {}
    while told.get("log.requests", 0) < 11:
        assert time.monotonic() < deadline
        told = {reading.metric: reading.value for reading in probe.sample()}
    assert told["log.requests"] == 11
    assert told["log.errors_5xx"] == 3
    assert ("log.total_seconds" in told) == (log == "timed.log")


def test_another_log_is_said_to_be_neither(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.touch()
    probe = AccessLogProbe(str(log))
    log.write_text("2026-01-01 INFO started\n")
    with pytest.raises(ProbeError, match="neither HAProxy's nor nginx's"):
        probe.sample()
