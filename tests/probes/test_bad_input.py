"""What cannot be watched is one line each, before the run, and a gap; all else is watched as ever."""

import http.server
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest

from probes.from_target import sampler_for
from results import Sample
from stack import admin, mariadb
from stack.knobs import make_knobs
from stack.place import Place
from stack.programs import environment

pytestmark = pytest.mark.stack
PORT = 31411
UNPRIVILEGED = "planted-Poor-88"


def lines_for(target: dict[str, Any]) -> list[str]:
    """What is said before a run; each line is one line."""
    sampler = sampler_for(target)
    said = sampler.check()
    sampler.finish()
    assert all("\n" not in line for line in said)
    return said


@pytest.fixture(scope="module")
def plain_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A MariaDB of its own with performance_schema off; its account `poor` may sign in and no more."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_STATE", str(tmp_path_factory.mktemp("state")))
        place = Place("plain")
        place.make()
        secrets = place.credentials()
        sql = mariadb.accounts_sql(secrets)
        sql += f"CREATE OR REPLACE USER poor@'127.0.0.1' IDENTIFIED BY '{UNPRIVILEGED}';\n"
        place.write("init.sql", sql)
        mariadb.bootstrap(place.folder / "primary")
        command = mariadb.command(place, make_knobs({}), "primary", PORT)
        command[command.index("--performance-schema=ON")] = "--performance-schema=OFF"
        with (place.logs / "primary.log").open("w") as log:
            process = subprocess.Popen(
                command, stdout=log, stderr=log, env={**os.environ, **environment()}, start_new_session=True
            )
        deadline = time.monotonic() + 60
        while True:
            try:
                admin.connect(place, "primary").close()
                break
            except (pymysql.MySQLError, OSError):
                assert process.poll() is None, (place.logs / "primary.log").read_text()[-500:]
                assert time.monotonic() < deadline
                time.sleep(0.05)
        login = {"host": "127.0.0.1", "port": PORT, "database": "app"}
        yield {
            "probe": {**login, "user": "probe", "password": secrets["probe"]},
            "poor": {**login, "user": "poor", "password": UNPRIVILEGED},
        }
        process.terminate()
        process.wait(timeout=30)
        place.sockets.rmdir()


def test_performance_schema_that_is_off_costs_the_digests_alone(plain_server: dict[str, Any]) -> None:
    sampler = sampler_for({"primary": plain_server["probe"]})
    (line,) = sampler.check()
    assert line == "primary: performance_schema is off, so there will be no statement digests"
    assert sampler.finish().digests == []


def test_an_account_without_privileges_says_what_it_cannot_tell(plain_server: dict[str, Any]) -> None:
    lines = lines_for({"primary": plain_server["poor"], "replica": plain_server["poor"]})
    about = {word: [line for line in lines if word in line] for word in ("digests", "replication", "lag")}
    assert [len(found) for found in about.values()] == [2, 1, 1], lines
    assert "privilege" in about["replication"][0]
    assert "harness" in about["lag"][0]
    assert not any(UNPRIVILEGED in line for line in lines)


def test_what_such_an_account_may_read_is_read_all_the_same(plain_server: dict[str, Any]) -> None:
    sampler = sampler_for({"replica": plain_server["poor"]})
    sampler.check()
    sampler.start(time.monotonic())
    deadline = time.monotonic() + 30
    samples: list[Sample] = []
    while not any(sample.metric == "connections" for sample in samples):
        assert time.monotonic() < deadline
        time.sleep(0.02)
        samples += sampler.drain().samples
    sampler.stop()
    gaps = sampler.drain().gaps
    sampler.finish()
    assert [gap.tier for gap in gaps] == ["replica"]
    assert "no state of the replication" in gaps[0].reason


def test_a_server_that_is_no_replica_is_said(plain_server: dict[str, Any]) -> None:
    lines = lines_for({"replica": plain_server["probe"]})
    assert any("is no replica" in line for line in lines)


def test_tiers_that_cannot_be_reached_are_one_line_each(tmp_path: Path) -> None:
    nobody = {"host": "127.0.0.1", "port": 9, "user": "u", "password": "planted-Away-99", "database": "d"}
    lines = lines_for(
        {
            "lb": {"stats_socket": str(tmp_path / "none.sock"), "log": str(tmp_path / "none.log")},
            "web": [{"name": "web1", "metrics_url": "http://joe:planted-Away-99@127.0.0.1:9/metrics"}],
            "api": [{"name": "api1", "metrics_url": "http://no-such-host.invalid/metrics"}],
            "primary": nobody,
            "redis": {"host": "127.0.0.1", "port": 9, "password": "planted-Away-99", "cluster": True},
        }
    )
    for word in ("statistics socket", "none.log", "web1", "api1", "primary", "redis"):
        assert len([line for line in lines if word in line]) == 1, (word, lines)
    assert len(lines) == 6
    assert not any("planted" in line for line in lines)


@pytest.fixture
def login_page() -> Iterator[str]:
    """The address of a server that answers everything with a page for people, status 200."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"<!doctype html><title>Sign in</title>"
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/metrics"
        server.shutdown()


def test_pages_that_are_not_what_they_should_be(login_page: str) -> None:
    lines = lines_for(
        {
            "lb": {"metrics_url": login_page, "status_url": login_page},
            "api": [{"name": "api1", "metrics_url": login_page}],
        }
    )
    assert len(lines) == 3
    for words in ("HAProxy's metrics page", "stub_status", "api1's metrics page is not a Prometheus page"):
        assert len([line for line in lines if words in line]) == 1, (words, lines)
