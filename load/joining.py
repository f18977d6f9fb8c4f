"""How a worker elsewhere joins a run: it asks Locust's master what to do, then becomes a Locust worker.

Imports neither locust nor gevent: asking comes before Locust is started, for a scenario may read its target
while it is imported.
"""

from __future__ import annotations

import hashlib
import os
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import msgpack
import zmq

ASK = "harness-ask"
TELL = "harness-tell"
ASK_AGAIN_S = 1
ROOT = Path(__file__).resolve().parent.parent
PLUGIN = ROOT / "load" / "plugin.py"


def invitation(load: str, scenario: str) -> dict[str, str]:
    """What the master tells who asks: the load as HARNESS_LOAD has it, and which scenario makes it."""
    return {"load": load, "scenario": scenario, "fingerprint": fingerprint(ROOT / scenario)}


def fingerprint(scenario: Path) -> str:
    """Tells whether two machines have the same scenario under its name."""
    return hashlib.sha256(scenario.read_bytes()).hexdigest()


def ask_master(host: str, port: int, wait_s: float) -> dict[str, Any] | None:
    """The invitation of the master that listens there; None where none answers within a time."""
    me = f"asking-{uuid.uuid4().hex}"
    with zmq.Context() as context, context.socket(zmq.DEALER) as asking:
        asking.setsockopt(zmq.IDENTITY, me.encode())
        asking.setsockopt(zmq.LINGER, 0)
        asking.connect(f"tcp://{host}:{port}")
        for _ in range(max(round(wait_s / ASK_AGAIN_S), 1)):
            # Locust's messages: type, data, and whom they are from.
            asking.send(msgpack.packb((ASK, {}, me)))
            if asking.poll(ASK_AGAIN_S * 1000):
                kind, told, _ = msgpack.unpackb(asking.recv(), raw=False)
                return dict(told) if kind == TELL else None
    return None


def locust_command(scenario: Path) -> list[str]:
    """Locust with the plugin beside a scenario, as every process that makes load runs it."""
    command = [sys.executable, "-m", "locust", "-f", f"{PLUGIN},{scenario}", "--headless"]
    return [*command, "--loglevel", "WARNING", "--only-summary", "--stop-timeout", "0"]


def locust_environment(load: str) -> dict[str, str]:
    """The environment of a process that makes load."""
    paths = filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "HARNESS_LOAD": load, "PYTHONPATH": os.pathsep.join(paths)}


def become(command: Sequence[str], environment: dict[str, str]) -> NoReturn:
    """Run a command in this process's place: whoever ends this one ends its load."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.chdir(ROOT)
    os.execve(command[0], list(command), environment)
