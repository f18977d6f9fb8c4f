"""Every scenario is an ordinary locustfile: plain `locust -f` runs it, without the harness."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
ALL = sorted(p for p in (ROOT / "scenarios").glob("*/*.py") if p.stem != "__init__")
MIXES = {"journey"}
"""Made of the others: beside them its users would be there twice."""

TYPICAL = (
    *("/ [visitor]", "/dashboard", "/static/app.css", "/signin", "todo.create", "todo.search [one word]"),
    *("todo.byId [superjson]", "todo.list [stream]", "todo.list [large team]", "GET /files/[id] [4 KiB]"),
    *("insert an event", "own write seen", "todo by id, replica", "full text, one word"),
    *("hold a connection for 20 ms", "look up", "GET [hot]"),
)

pytestmark = pytest.mark.stack


def surroundings(target: dict[str, Any]) -> dict[str, str]:
    """What plain `locust` is told by the environment."""
    primary, redis, login = target["primary"], target["redis"], target["load"]
    told = {"HARNESS_HOST": target["base_url"], "MYSQL_DATABASE": "app", "MYSQL_HOST": "127.0.0.1"}
    told |= {"MYSQL_PORT": str(primary["port"]), "MYSQL_REPLICA_PORT": str(target["replica"]["port"])}
    told |= {"MYSQL_USER": login["user"], "MYSQL_PASSWORD": login["password"]}
    told |= {"REDIS_PORT": str(redis["port"]), "REDIS_PASSWORD": redis["password"]}
    return told


def test_plain_locust_runs_them_all(stack_up: dict[str, Any], tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text('::1 - - [24/Nov/2026:12:00:01 +0000] "GET /signin HTTP/1.1" 200 612 "-" "-"\n' * 20)
    files = [file for file in ALL if file.stem not in MIXES]
    command = [sys.executable, "-m", "locust", "-f", ",".join(str(f.relative_to(ROOT)) for f in files)]
    command += ["--headless", "--json", "-u", "90", "-r", "90", "-t", "6s", "--stop-timeout", "5"]
    environment = {**os.environ, **surroundings(stack_up), "REPLAY_LOG": str(log)}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    stats = {one["name"]: one for one in json.loads(done.stdout)}
    failed = {name: one["num_failures"] for name, one in stats.items() if one["num_failures"]}
    assert set(failed) <= {"one hot row", "two hot rows"}, (failed, done.stderr[-2000:])
    for name in TYPICAL:
        assert stats[name]["num_requests"] > 0, name


def test_the_mix_is_a_locustfile_too() -> None:
    command = [sys.executable, "-m", "locust", "-f", "scenarios/web/journey.py", "--list"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert {"OnPages", "InTheApp", "WithFiles"} <= set(done.stdout.split()), done.stderr
