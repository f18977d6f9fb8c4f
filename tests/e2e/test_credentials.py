"""A run at a target described by hand goes on without what it cannot see, and keeps no credential."""

import json
import sqlite3
import zlib
from pathlib import Path
from typing import Any

import pytest

from results import open_run
from stack.control import running_stacks
from tests.e2e.conftest import Harness

pytestmark = pytest.mark.stack

PLANTED = {
    "in the target's file": "planted-Target-11",
    "in an address": "planted-Address-22",
    "in an address, from the environment": "planted-Variable-33",
    "in the environment": "planted-Environment-44",
    "in a file": "planted-File-55",
}
WORDS = """
allow_load = true
base_url = "http://joe:planted-Address-22@127.0.0.1:{lb}"

[lb]
metrics_url = "http://ops:${{PLANTED_METRICS}}@127.0.0.1:{lb_metrics}/metrics"
log = "{folder}/balancer.log"

[[api]]
name = "api1"
metrics_url = "http://ops:planted-Address-22@127.0.0.1:{api}/metrics"

[primary]
port = {primary}
user = "probe"
password = "planted-Target-11"
database = "app"

[replica]
port = {replica}
user = "probe"
password_env = "PLANTED_REPLICA"
database = "app"

[redis]
port = {redis}
password_file = "{folder}/redis-password"

[logs]
api1 = "{folder}/api1.log"

[seed]
password = "correct horse battery staple"
"""


def everything_in(file: Path) -> bytes:
    """A file's bytes; of a database also each value, unpacked where it is packed."""
    content = file.read_bytes()
    if file.suffix != ".db":
        return content
    with sqlite3.connect(file) as database:
        for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in database.execute(f'SELECT * FROM "{table}"'):
                for value in row:
                    raw = value if isinstance(value, bytes) else str(value).encode()
                    content += raw
                    try:
                        content += zlib.decompress(raw)
                    except zlib.error:
                        continue
    return content


@pytest.fixture
def target_file(stack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A target of the stack's front and API with the wrong password for each server."""
    told: dict[str, Any] = json.loads(running_stacks()[stack].read_text())

    def port(url: str) -> str:
        return url.rpartition(":")[2].partition("/")[0]

    monkeypatch.setenv("PLANTED_METRICS", PLANTED["in an address, from the environment"])
    monkeypatch.setenv("PLANTED_REPLICA", PLANTED["in the environment"])
    (tmp_path / "redis-password").write_text(PLANTED["in a file"] + "\n")
    (tmp_path / "api1.log").touch()
    (tmp_path / "balancer.log").touch()
    file = tmp_path / "by-hand.toml"
    file.write_text(
        WORDS.format(
            folder=tmp_path,
            lb=port(told["base_url"]),
            lb_metrics=port(told["lb"]["metrics_url"]),
            api=port(told["api"][0]["metrics_url"]),
            **{tier: told[tier]["port"] for tier in ("primary", "replica", "redis")},
        )
    )
    return file


def test_a_run_goes_on_without_what_it_cannot_see_and_keeps_no_credential(
    harness: Harness, target_file: Path, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    done = harness(
        *("run", "web/trpc", "--target", str(target_file), "--rate", "20/s", "--for", "4s"),
        *("--slo", "errors<1%", "--runs", str(runs)),
    )
    assert done.returncode in (0, 4), done.stdout + done.stderr  # 4: a busy machine, and it says so
    for words in (
        "primary: the server refuses the user or password",
        "replica: the server refuses the user or password",
        "redis: Redis refuses the password",
        "replica: no lag, because the heartbeat cannot be written",
    ):
        said = [line for line in done.stderr.splitlines() if line.startswith(f"note: {words}")]
        assert len(said) == 1, (words, done.stderr)
    (folder,) = runs.iterdir()
    run = open_run(folder)
    assert run.merged().count > 30
    tiers = {series.tier for series in run.series()}
    assert {"lb", "api", "host"} <= tiers  # by the addresses with logins
    assert not tiers & {"primary", "replica", "redis", "web"}
    assert {gap.tier for gap in run.gaps} == {"primary", "replica", "redis"}
    assert run.environment["target"]["tiers"] == "lb, api, primary, replica, redis"
    looked_at = {file.name for file in folder.rglob("*") if file.is_file()}
    assert {"run.db", "report.html", "load.log"} <= looked_at
    for where, secret in PLANTED.items():
        assert secret not in done.stdout + done.stderr, where
        for file in folder.rglob("*"):
            if file.is_file():
                assert secret.encode() not in everything_in(file), (where, file)
