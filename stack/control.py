"""Bring a stack up, take it down, and say truthfully how it is."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql

from stack import mariadb, supervision
from stack.errors import SettingError, StackError
from stack.knobs import Knobs, make_knobs
from stack.place import Place, Ports, stack_names, state_folder
from stack.processes import Process, processes, write_configuration
from stack.programs import CHECKOUT
from stack.seeding import cached_seed, keep_seed, seed_facts
from stack.supervision import wait_until
from stack.target import describe_target

Say = Callable[[str], None]


@dataclass(frozen=True)
class ProcessStatus:
    """One process of a stack as it is now."""

    name: str
    tier: str
    state: str
    pid: int | None
    uptime_s: float | None
    problem: str = ""


@dataclass(frozen=True)
class StackStatus:
    """A stack as it is now. `exists` is False where nothing was brought up under this name."""

    name: str
    exists: bool
    processes: list[ProcessStatus]
    replication: str = ""
    url: str = ""

    @property
    def healthy(self) -> bool:
        """Whether every process runs and the replica replicates."""
        return self.exists and self.replication == "running" and not any(p.problem for p in self.processes)


def up(name: str = "default", settings: dict[str, str] | None = None, say: Say = lambda _: None) -> Path:
    """Bring a stack to where it was asked to be, from whatever state it is in; returns its target.json.

    A stack that is up with the same knobs is left alone. Other knobs, or something broken, and its
    processes start afresh on the data that is there. Raises StackError.
    """
    place = Place(name)
    known = place.read_json("settings.json")
    wanted = {**known, **(settings or {})}
    knobs = make_knobs(wanted)
    with _locked(place):
        if place.target.is_file() and wanted == known and status(name).healthy:
            say(f"stack {name} is up already")
            return place.target
        if place.exists:
            supervision.stop_everything(place)
            place.target.unlink(missing_ok=True)
        place.make()
        if place.read_json("seeded.json").get("size") != knobs.seed.size:
            _clear_data(place)
        place.write("settings.json", json.dumps(wanted))
        ports = place.ports(knobs.ports.base)
        try:
            _start(place, knobs, ports, say)
        except (StackError, pymysql.MySQLError, OSError, KeyboardInterrupt):
            supervision.stop_everything(place)
            raise
    return place.target


def down(name: str = "default") -> bool:
    """End every process of a stack and remove every file; False where there was none. Raises StackError."""
    place = Place(name)
    left = supervision.survivors(place)
    if not place.exists and not left:
        return False
    supervision.stop_everything(place)
    shutil.rmtree(place.folder, ignore_errors=True)
    shutil.rmtree(place.sockets, ignore_errors=True)
    return True


def status(name: str = "default") -> StackStatus:
    """How a stack is: by supervisord's word, and by the process table where that was killed."""
    place = Place(name)
    if not place.exists:
        return StackStatus(name, False, [])
    knobs = make_knobs(place.read_json("settings.json"))
    ports = place.ports(knobs.ports.base)
    known = supervision.process_info(place)
    running = {} if known else {p.pid: p for p in supervision.survivors(place)}
    rows = [_process_status(place, process, known, running) for process in processes(place, knobs, ports)]
    replica = mariadb.replication(place)
    threads = {replica.get("Slave_IO_Running"), replica.get("Slave_SQL_Running")}
    told = "running" if threads == {"Yes"} else _replication_problem(replica)
    return StackStatus(name, True, rows, told, f"http://127.0.0.1:{ports.lb}")


def running_stacks() -> dict[str, Path]:
    """The target.json of every stack that is up."""
    return {name: Place(name).target for name in stack_names() if Place(name).target.is_file()}


def log_files(name: str, process: str | None = None) -> list[Path]:
    """The log files of a stack, or of one process of it. Raises SettingError for one that does not exist."""
    place = Place(name)
    files = sorted(place.logs.glob("*.log"))
    if process is None:
        return files
    found = [file for file in files if file.stem == process]
    if not found:
        raise SettingError(f"no process '{process}' in stack {name}: there are {', '.join(f.stem for f in files)}")
    return found


def _start(place: Place, knobs: Knobs, ports: Ports, say: Say) -> None:
    made = write_configuration(place, knobs, ports)
    for process in made:
        holder = supervision.port_holder(process.port)
        if holder:
            raise StackError(
                f"port {process.port} for {process.name} is taken by {holder}:"
                " end it, or choose others with --set ports.base=20000"
            )
    if not (place.folder / "primary").is_dir():
        _make_data(place, knobs, say)
    supervision.launch(place)
    by_name = {process.name: process for process in made}
    _start_and_wait(place, [by_name["primary"]])
    if not (place.folder / "seeded.json").is_file():
        _seed(place, knobs, say)
        supervision.stop(place, "primary")
        keep_seed(place, knobs)
        shutil.copytree(place.folder / "primary", place.folder / "replica")
        _start_and_wait(place, [by_name["primary"]])
    _start_and_wait(place, [by_name["replica"], by_name["redis"]])
    mariadb.start_replication(place, ports.primary)
    say("starting the application")
    _start_and_wait(place, [process for process in made if process.tier in ("api", "jobs", "lb")])
    _start_and_wait(place, [process for process in made if process.tier == "web"])
    if not wait_until(lambda: _serves(f"http://127.0.0.1:{ports.lb}/signin"), 10):
        raise StackError(f"the stack does not serve its sign-in page: see {place.logs}")
    place.write("target.json", json.dumps(describe_target(place, knobs, ports, made), indent=1))


def _start_and_wait(place: Place, several: list[Process]) -> None:
    for process in several:
        supervision.start(place, process.name)
    for process in several:
        if not wait_until(lambda p=process: _ready(place, p), 20):  # type: ignore[misc]
            words = supervision.tail(place.logs / f"{process.name}.log", 1)
            raise StackError(f"{process.name} did not become ready: {words or 'its log is empty'}")


def _ready(place: Place, process: Process) -> bool:
    if process.tier in ("primary", "replica"):
        try:
            mariadb.connect(place, process.name).close()
        except (pymysql.MySQLError, OSError):
            return False
        return True
    if process.tier in ("api", "web", "jobs"):
        return _serves(f"http://127.0.0.1:{process.port}/health")
    return supervision.port_holder(process.port) is not None


def _serves(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _make_data(place: Place, knobs: Knobs, say: Say) -> None:
    kept = cached_seed(knobs)
    if kept is None:
        mariadb.bootstrap(place.folder / "primary")
        return
    say(f"copying the {knobs.seed.size} seed made earlier")
    for role in ("primary", "replica"):
        shutil.copytree(kept / "data", place.folder / role)
    place.write("seeded.json", (kept / "seeded.json").read_text())


def _seed(place: Place, knobs: Knobs, say: Say) -> None:
    say(f"seeding ({knobs.seed.size}); kept for the next time")
    done = subprocess.run(
        [sys.executable, "-m", "stack.app.seed", str(place.folder / "app.json"), knobs.seed.size],
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        check=False,
    )
    if done.returncode:
        raise StackError(f"seeding failed: {done.stderr.strip().splitlines()[-1]}")
    mariadb.forget_binlog(place)
    place.write("seeded.json", json.dumps(seed_facts(knobs.seed.size)))


def _clear_data(place: Place) -> None:
    for folder in ("primary", "replica"):
        shutil.rmtree(place.folder / folder, ignore_errors=True)
    (place.folder / "seeded.json").unlink(missing_ok=True)


def _process_status(
    place: Place, process: Process, known: dict[str, dict[str, Any]], running: dict[int, Any]
) -> ProcessStatus:
    info = known.get(process.name)
    if info and info["statename"] in ("RUNNING", "STARTING"):
        return ProcessStatus(process.name, process.tier, "running", info["pid"], time.time() - info["start"])
    if info:
        words = supervision.last_words(place, process.name)
        ago = f" {time.time() - info['stop']:.0f} s ago" if info["stop"] else ""
        problem = f"{words}{ago}" if words else "stopped" + ago
        return ProcessStatus(process.name, process.tier, info["statename"].lower(), None, None, problem)
    for pid, orphan in running.items():
        try:
            if f"{process.name}.log" in " ".join(orphan.cmdline()) or _is_command(orphan.cmdline(), process):
                age_s = time.time() - orphan.create_time()
                return ProcessStatus(process.name, process.tier, "orphan", pid, age_s, "its supervisor is gone")
        except (OSError, ValueError):
            continue
    return ProcessStatus(process.name, process.tier, "gone", None, None, "not running; its supervisor is gone")


def _is_command(command: list[str], process: Process) -> bool:
    return command[-3:] == process.command[-3:] or command[-1:] == process.command[-1:] and len(command) > 1


def _replication_problem(replica: dict[str, Any]) -> str:
    if not replica:
        return "unknown: the replica does not answer"
    threads = f"IO {replica['Slave_IO_Running']}, SQL {replica['Slave_SQL_Running']}"
    return f"not running ({threads}) {replica.get('Last_SQL_Error') or replica.get('Last_IO_Error') or ''}".strip()


@contextmanager
def _locked(place: Place) -> Iterator[None]:
    """One `up` at a time for a stack: two terminals cannot build it together."""
    state_folder().mkdir(parents=True, exist_ok=True)
    with (state_folder() / f"{place.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as held:
            raise StackError(f"another 'harness up' is at work on stack {place.name}: wait for it") from held
        yield
