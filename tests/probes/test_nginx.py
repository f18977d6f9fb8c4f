"""nginx's status page against a real nginx that was asked a known number of times."""

import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from probes.nginx import NginxProbe
from probes.probe import ProbeError

CONFIG = """\
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{port}; location /status {{ stub_status; }} location / {{ return 200 "ok"; }} }}
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
        pytest.skip("nginx is not installed")
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
    config = tmp_path / "nginx.conf"
    config.write_text(CONFIG.format(folder=tmp_path, port=port))
    process = subprocess.Popen([program, "-c", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
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
