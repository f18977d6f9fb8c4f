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
UNTIL_SEEN = Path(__file__).with_name("until_seen.py")
MIXES = {"journey"}
"""Made of the others: beside them its users would be there twice."""

TYPICAL = (
    *("/ [visitor]", "/dashboard", "/static/app.css", "/recorded", "todo.create", "todo.search [one word]"),
    *("todo.byId [superjson]", "todo.list [stream]", "team.dashboard", "GET /files/[id] [4 KiB]"),
    *("insert an event", "own write seen", "todo by id, replica", "full text, one word"),
    *("hold a connection for 20 ms", "look up", "GET [hot]"),
)

pytestmark = pytest.mark.stack


def alone(
    files: list[Path], users: int, until: dict[str, int], target: dict[str, Any], log: Path | str = ""
) -> dict[str, Any]:
    """What plain `locust` counted, by name, once each name had succeeded so many times."""
    primary, redis, login = target["primary"], target["redis"], target["load"]
    told = {"HARNESS_HOST": target["base_url"], "MYSQL_DATABASE": "app", "MYSQL_HOST": "127.0.0.1"}
    told |= {"MYSQL_PORT": str(primary["port"]), "MYSQL_REPLICA_PORT": str(target["replica"]["port"])}
    told |= {"MYSQL_USER": login["user"], "MYSQL_PASSWORD": login["password"]}
    told |= {"REDIS_PORT": str(redis["port"]), "REDIS_PASSWORD": redis["password"]}
    told |= {"REPLAY_LOG": str(log), "UNTIL_SEEN": json.dumps(until), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "locust", "-f", ",".join(map(str, [UNTIL_SEEN, *files])), "--headless"]
    command += ["--json", "-u", str(users), "-r", str(users), "--stop-timeout", "5"]
    command += ["--host", target["base_url"]]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    counted = {one["name"]: one for one in json.loads(done.stdout)}
    lacking = [name for name in until if name not in counted]
    assert not lacking, done.stderr[-3000:]
    return counted


def test_plain_locust_runs_them_all(stack_up: dict[str, Any], tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text('::1 - - [24/Nov/2026:12:00:01 +0000] "GET /recorded HTTP/1.1" 404 612 "-" "-"\n' * 20)
    files = [file for file in ALL if file.stem not in MIXES]
    counted = alone(files, 45, dict.fromkeys(TYPICAL, 1) | {"/recorded": 20}, stack_up, log)
    assert counted["/recorded"]["num_requests"] == 20


def test_the_mix_is_a_locustfile_too() -> None:
    command = [sys.executable, "-m", "locust", "-f", "scenarios/web/journey.py", "--list"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert {"OnPages", "InTheApp", "WithFiles"} <= set(done.stdout.split()), done.stderr
