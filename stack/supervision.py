"""The stack's supervisord, and the truth about its processes when even that was killed."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import psutil
from supervisor.xmlrpc import SupervisorTransport

from stack.errors import StackError
from stack.place import Place

_GRACE_S = 10.0


def wait_until(condition: Callable[[], bool], within_s: float, pause_s: float = 0.03) -> bool:
    """Whether a condition came true within a time."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause_s)
    return True


def _rpc(place: Place) -> Any:
    transport = SupervisorTransport(None, None, f"unix://{place.sockets}/supervisord.sock")
    return xmlrpc.client.ServerProxy("http://127.0.0.1", transport=cast(Any, transport)).supervisor


def answers(place: Place) -> bool:
    """Whether the stack's supervisord is there."""
    try:
        return bool(_rpc(place).getState()["statename"] == "RUNNING")
    except (OSError, xmlrpc.client.Error):
        return False


def launch(place: Place) -> None:
    """Start supervisord, detached: it survives whoever called. Raises StackError."""
    config = str(place.folder / "supervisord.conf")
    done = subprocess.run(
        [sys.executable, "-m", "supervisor.supervisord", "-c", config],
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )
    if done.returncode or not wait_until(lambda: answers(place), _GRACE_S):
        raise StackError(f"supervisord did not start: {(done.stderr or done.stdout).strip()[-200:]}")


def start(place: Place, name: str) -> None:
    """Start one process. Raises StackError with the end of its log."""
    try:
        _rpc(place).startProcess(name, False)
    except xmlrpc.client.Fault as fault:
        raise StackError(f"{name} did not start: {fault.faultString}") from fault


def stop(place: Place, name: str) -> None:
    """Stop one process and wait until it has gone."""
    try:
        _rpc(place).stopProcess(name, True)
    except xmlrpc.client.Fault as fault:
        if "NOT_RUNNING" not in fault.faultString:
            raise StackError(f"{name} did not stop: {fault.faultString}") from fault


def process_info(place: Place) -> dict[str, dict[str, Any]]:
    """What supervisord says of each process: `statename`, `pid`, `start`, `stop`; empty when it is gone."""
    try:
        return {info["name"]: info for info in _rpc(place).getAllProcessInfo()}
    except (OSError, xmlrpc.client.Error):
        return {}


def last_words(place: Place, name: str) -> str:
    """How a process ended, as supervisord saw it: `terminated by SIGKILL`."""
    try:
        log = (place.logs / "supervisord.log").read_text(errors="replace")
    except OSError:
        return ""
    found = re.findall(rf"exited: {re.escape(name)} \((.*?);", log)
    return found[-1] if found else ""


def survivors(place: Place) -> list[psutil.Process]:
    """Every process that carries this stack's mark, whoever its parent is by now; supervisord among them."""
    mark = str(place.folder)
    found = []
    for process in psutil.process_iter():
        try:
            command = process.cmdline()
            own = any(mark in word for word in command) and ("supervisor.supervisord" in command)
            if own or process.environ().get("HARNESS_STACK") == mark:
                found.append(process)
        except psutil.Error:
            continue
    return found


def stop_everything(place: Place) -> None:
    """Stop supervisord and all that carries the stack's mark, by force after a grace time."""
    if answers(place):
        with contextlib.suppress(OSError, xmlrpc.client.Error):
            _rpc(place).shutdown()
        wait_until(lambda: not answers(place) and not survivors(place), _GRACE_S, 0.05)
    left = survivors(place)
    for process in left:
        _signal(process, "terminate")
    _, stubborn = psutil.wait_procs(left, timeout=4)
    for process in stubborn:
        _signal(process, "kill")
    _, alive = psutil.wait_procs(stubborn, timeout=4)
    if alive:
        raise StackError(f"could not end process {alive[0].pid}: end it by hand, then try again")


def _signal(process: psutil.Process, method: str) -> None:
    try:
        process.resume()  # a process that a fault had stopped would not hear anything else
        getattr(process, method)()
    except psutil.Error:
        pass


def tail(file: Path, lines: int = 5) -> str:
    """The last lines of a log; empty where there is none."""
    try:
        return "\n".join(file.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
