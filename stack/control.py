"""Bring a stack up, take it down, and find its logs; `stack.status` says how it is."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pymysql

from stack import faults as disturb
from stack import supervision
from stack.asked import Asked
from stack.build import Say, start_processes
from stack.errors import SettingError, StackError
from stack.place import Place, stack_names, state_folder
from stack.status import ProcessStatus, StackStatus, status

__all__ = [
    "ProcessStatus",
    "StackStatus",
    "down",
    "log_files",
    "logs",
    "names",
    "running_stacks",
    "status",
    "up",
]


def up(
    name: str = "default",
    settings: Mapping[str, str] | None = None,
    say: Say = lambda _: None,
    faults: Iterable[str] = (),
) -> Path:
    """Bring a stack to where it was asked to be, from whatever state it is in; returns its target.json.

    A healthy stack with the same knobs is left alone. With other knobs, or with something broken, its
    processes start afresh on the data that is there. Settings of earlier calls stay (`down` forgets them);
    faults are those of this call, and no others. Raises StackError; SettingError for what cannot be asked.
    """
    place = Place(name)
    with _locked(place):
        before = Asked.of(place)
        asked = Asked({**before.settings, **(settings or {})}, disturb.check_names(faults))
        asked.knobs()
        left_over = _end_disturbances(name)
        if not left_over and asked.knobs() == before.knobs() and status(name).healthy:
            say(f"stack {name} is up")
            asked.keep(place)
        else:
            _build(place, before, asked, say)
        for fault in left_over:
            disturb.stop(name, fault)
        for fault in asked.faults:
            if disturb.FAULTS[fault].disturbance is not None:
                say(f"fault {fault}: {disturb.FAULTS[fault].text}")
                disturb.start(name, fault)
    return place.target


def down(name: str = "default") -> bool:
    """End every process of a stack and remove every file; False where there was none. Raises StackError."""
    place = Place(name)
    if not place.exists and not supervision.survivors(place):
        return False
    with _locked(place):
        supervision.stop_everything(place)
        shutil.rmtree(place.folder, ignore_errors=True)
        shutil.rmtree(place.sockets, ignore_errors=True)
        _lock_file(place).unlink(missing_ok=True)
    if place.exists:
        raise StackError(f"could not remove all of {place.folder}: remove it by hand")
    return True


def names() -> list[str]:
    """The stacks that exist, whole or not."""
    return stack_names()


def running_stacks() -> dict[str, Path]:
    """The target.json of every stack that was brought up to its end."""
    return {name: Place(name).target for name in stack_names() if Place(name).target.is_file()}


def log_files(name: str, process: str | None = None) -> list[Path]:
    """The log files of a stack, or of one process of it. Raises SettingError for one that does not exist."""
    place = Place(name)
    files = sorted(place.logs.glob("*.log"))
    if not files:
        raise SettingError(f"there is no stack {name}: bring it up with 'harness up --name {name}'")
    if process is None:
        return files
    found = [file for file in files if file.stem == process]
    if not found:
        there = ", ".join(file.stem for file in files)
        raise SettingError(f"no process '{process}' in stack {name}: there are {there}")
    return found


def logs(name: str, process: str | None = None, lines: int = 20) -> dict[str, str]:
    """The last lines of each log, by process. Raises SettingError."""
    return {file.stem: supervision.tail(file, lines) for file in log_files(name, process)}


def _build(place: Place, before: Asked, asked: Asked, say: Say) -> None:
    if place.exists:
        changed = _changed(before, asked)
        say(f"stack {place.name} starts afresh on its data" + (f": {', '.join(changed)}" if changed else ""))
        supervision.stop_everything(place)
        place.target.unlink(missing_ok=True)
    try:
        place.make()
        asked.keep(place)
        start_processes(place, asked.knobs(), say)
    except (pymysql.MySQLError, OSError, shutil.Error) as problem:
        supervision.stop_everything(place)
        raise StackError(f"stack {place.name} could not be brought up: {problem}") from problem
    except (StackError, KeyboardInterrupt):
        supervision.stop_everything(place)
        raise


def _changed(before: Asked, asked: Asked) -> list[str]:
    old, new = before.knobs().flat(), asked.knobs().flat()
    return [f"{knob} {old[knob]} -> {new[knob]}" for knob in new if old[knob] != new[knob]]


def _end_disturbances(name: str) -> list[str]:
    """End what is on; returns what could not be ended because the stack itself is broken."""
    left_over = []
    for fault in disturb.active(name):
        try:
            disturb.stop(name, fault)
        except StackError:
            left_over.append(fault)
    return left_over


def _lock_file(place: Place) -> Path:
    return state_folder() / f"{place.name}.lock"


@contextmanager
def _locked(place: Place) -> Iterator[None]:
    """One `up` or `down` at a time for a stack: two terminals cannot build it together."""
    state_folder().mkdir(parents=True, exist_ok=True)
    path = _lock_file(place)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not path.exists() or os.fstat(lock.fileno()).st_ino != path.stat().st_ino:
                raise BlockingIOError  # a `down` removed it just now
        except BlockingIOError as held:
            raise StackError(
                f"another 'harness up' or 'down' is at work on stack {place.name}: wait for it"
            ) from held
        yield
