"""The faults that a stack can be given, by name, when it is brought up or for a while during a run."""

from __future__ import annotations

import difflib
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass

import psutil
import pymysql
import redis

from stack import supervision
from stack.asked import FAULT_KNOBS
from stack.disturbances import Disturbance, HotRow, Killed, Lagging, Paused, Slowed, SlowRedis, Statement
from stack.errors import SettingError, StackError
from stack.place import Place, state_folder
from stack.programs import CHECKOUT
from stack.target import write_target


@dataclass(frozen=True)
class Fault:
    """One fault. Without a disturbance it is a knob turned wrong (`stack.asked.FAULT_KNOBS`)."""

    text: str
    disturbance: Disturbance | None = None


FAULTS: dict[str, Fault] = {
    "web1-down": Fault("the first web instance is killed", Killed("web1")),
    "web1-slow": Fault("the first web instance runs a tenth of the time", Slowed("web1")),
    "jobs-blocked": Fault("the job workers are paused, the queue grows", Paused("jobs")),
    "replica-stopped": Fault(
        "the replica stops replicating", Statement("replica", "STOP REPLICA", "START REPLICA")
    ),
    "replica-lagging": Fault("the replica applies what it receives up to 2 s late", Lagging()),
    "missing-index": Fault(
        "the index that lists of todos need is dropped",
        Statement(
            "primary",
            "ALTER TABLE app.todos DROP INDEX by_team_state",
            "ALTER TABLE app.todos ADD INDEX by_team_state (team_id, done, id)",
        ),
    ),
    "hot-row": Fault("four sessions fight for one row of the primary", HotRow()),
    "slow-redis": Fault("slow commands keep Redis busy", SlowRedis()),
    **{
        name: Fault(f"brought up with {', '.join(f'{knob}={value}' for knob, value in knobs.items())}")
        for name, knobs in FAULT_KNOBS.items()
    },
}


def check_names(names: Iterable[str]) -> tuple[str, ...]:
    """The names, once each. Raises SettingError for one that is no fault, with the nearest."""
    for name in names:
        if name not in FAULTS:
            near = difflib.get_close_matches(name, FAULTS, 1, 0.4)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(FAULTS)}"
            raise SettingError(f"unknown fault '{name}': {hint}")
    return tuple(dict.fromkeys(names))


def check_can_be_timed(name: str) -> None:
    """Raises SettingError for a name that is no fault, and for a fault that is a knob."""
    _disturbance(name)


def start(stack: str, fault: str) -> None:
    """Disturb a running stack until `stop`. Raises StackError; SettingError for a fault that is a knob."""
    place = Place(stack)
    disturbance = _disturbance(fault)
    place.set_fault(fault, on=True)  # first, so that whoever comes after a kill knows what is to be undone
    _guarded(fault, disturbance.begin, place)
    if hasattr(disturbance, "run") and not _keepers(place, fault):
        _launch_keeper(place, fault)


def stop(stack: str, fault: str) -> None:
    """End a fault and put right what it did; the stack's description follows. Raises StackError."""
    place = Place(stack)
    disturbance = _disturbance(fault)
    for keeper in (keepers := _keepers(place, fault)):
        keeper.terminate()
    _, alive = psutil.wait_procs(keepers, timeout=5)
    for keeper in alive:
        keeper.kill()
    _guarded(fault, disturbance.end, place)
    place.set_fault(fault, on=False)
    if place.target.is_file():
        write_target(place)


def active(stack: str) -> list[str]:
    """The disturbances that are on, by name; knob faults are in `stack.asked.Asked`."""
    return Place(stack).active_faults()


def _disturbance(name: str) -> Disturbance:
    check_names([name])
    found = FAULTS[name].disturbance
    if found is None:
        raise SettingError(f"fault {name} is a setting: it takes effect with 'harness up --fault {name}'")
    return found


def _guarded(fault: str, act: object, place: Place) -> None:
    assert callable(act)
    try:
        act(place)
    except (pymysql.MySQLError, redis.RedisError, OSError, psutil.Error) as problem:
        raise StackError(f"fault {fault}: {problem}") from problem


def _launch_keeper(place: Place, fault: str) -> None:
    log = place.logs / f"fault-{fault}.log"
    marks = {"HARNESS_STACK": str(place.folder), "HARNESS_STATE": str(state_folder())}
    with log.open("ab") as words:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "stack.disturb", place.name, fault],
            cwd=CHECKOUT,
            env={**os.environ, **marks},
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
            start_new_session=True,
        )
    begun = place.folder / f"{fault}.on"
    if (
        not supervision.wait_until(lambda: begun.exists() or keeper.poll() is not None, 10)
        or keeper.poll() is not None
    ):
        raise StackError(f"fault {fault} did not begin: {supervision.tail(log, 1)}")
    begun.unlink(missing_ok=True)


def _keepers(place: Place, fault: str) -> list[psutil.Process]:
    found = []
    for process in supervision.survivors(place):
        try:
            if process.cmdline()[-3:] == ["stack.disturb", place.name, fault]:
                found.append(process)
        except psutil.Error:
            continue
    return found
