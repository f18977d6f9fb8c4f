"""How a stack is: by its supervisor's word and the process table's, as data and as text for people."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import psutil

from stack import admin, redis_nodes, supervision
from stack.asked import FAULT_KNOBS, Asked
from stack.knobs import Knobs
from stack.place import Place
from stack.processes import Process, processes


@dataclass(frozen=True)
class ProcessStatus:
    """One process of a stack as it is now. `problem` is empty for one that runs as it should."""

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
    faults: list[str] = field(default_factory=list)
    problem: str = ""
    redis_cluster: str = ""
    """Empty where Redis is one server."""

    @property
    def healthy(self) -> bool:
        """Whether the stack was brought up to its end, every process runs and the replica replicates."""
        works = self.exists and not self.problem and self.replication == "running"
        works = works and self.redis_cluster in ("", "serving")
        return works and not any(process.problem for process in self.processes)


def status(name: str = "default") -> StackStatus:
    """How a stack is now. Raises SettingError for what is no name."""
    place = Place(name)
    if not place.exists:
        return StackStatus(name, False, [])
    asked = Asked.of(place)
    ports = place.ports(asked.knobs().ports.base)
    known = supervision.process_info(place)
    orphans = [] if known else supervision.survivors(place)
    rows = [_process_status(place, p, known, orphans) for p in processes(place, asked.knobs(), ports)]
    problem = "" if known else "its supervisor is gone"
    if known and not place.target.is_file():
        problem = "it was not brought up to its end"
    told = _replication(admin.replication(place))
    url = f"http://127.0.0.1:{ports.lb}"
    faults = [fault for fault in asked.faults if fault in FAULT_KNOBS] + place.active_faults()
    return StackStatus(name, True, rows, told, url, faults, problem, _redis_cluster(place, asked.knobs()))


def render(stack: StackStatus) -> str:
    """The status as a table for people."""
    if not stack.exists:
        return f"stack {stack.name}: not up"
    lines = [f"stack {stack.name}: {'healthy' if stack.healthy else 'NOT HEALTHY'}, {stack.url}"]
    width = max(len(process.name) for process in stack.processes)
    for process in stack.processes:
        pid = f"pid {process.pid}" if process.pid else ""
        age = "" if process.uptime_s is None else f"up {duration(process.uptime_s)}"
        lines.append(
            f"  {process.name:{width}}  {process.state:9} {pid:12} {age:10} {process.problem}".rstrip()
        )
    lines.append(f"  replication: {stack.replication}")
    if stack.redis_cluster:
        lines.append(f"  redis cluster: {stack.redis_cluster}")
    if stack.faults:
        lines.append(f"  faults: {', '.join(stack.faults)}")
    if stack.problem:
        lines.append(f"  {stack.problem}")
    return "\n".join(lines)


def duration(seconds: float) -> str:
    """`4 s`, `12 min`, `3 h 5 min`."""
    if seconds < 120:
        return f"{max(seconds, 0):.0f} s"
    minutes = int(seconds // 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def _process_status(
    place: Place, process: Process, known: Mapping[str, Mapping[str, Any]], orphans: list[psutil.Process]
) -> ProcessStatus:
    name, tier = process.name, process.tier
    if not known:
        for orphan in orphans:
            if _is(orphan, process):
                age_s = time.time() - orphan.create_time()
                return ProcessStatus(name, tier, "orphan", orphan.pid, age_s, "runs without its supervisor")
        return ProcessStatus(name, tier, "gone", None, None, "not running")
    info = known.get(name)
    if info is None:
        return ProcessStatus(name, tier, "unknown", None, None, "its supervisor does not know it")
    if info["statename"] in ("RUNNING", "STARTING"):
        pid = int(info["pid"])
        paused = "paused by a signal" if _is_paused(pid) else ""
        age_s = time.time() - info["start"]
        return ProcessStatus(name, tier, "paused" if paused else "running", pid, age_s, paused)
    words = supervision.last_words(place, name) or "stopped"
    ago = f" {duration(time.time() - info['stop'])} ago" if info["stop"] else ""
    return ProcessStatus(name, tier, info["statename"].lower(), None, None, words + ago)


def _is_paused(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_STOPPED
    except psutil.Error:
        return False


def _is(orphan: psutil.Process, process: Process) -> bool:
    """Whether a process of the process table is this one, whatever it calls itself by now."""
    try:
        command = orphan.cmdline()
    except psutil.Error:
        return False
    # The server under a borrowed name differs in how it was called, not in the file it was called with.
    return command == process.command or (process.tier == "redis" and command[-1:] == process.command[-1:])


def _redis_cluster(place: Place, knobs: Knobs) -> str:
    if not knobs.redis.cluster:
        return ""
    words = redis_nodes.cluster_problem(place, redis_nodes.nodes(knobs, place.ports(knobs.ports.base)))
    return f"not serving: {words}" if words else "serving"


def _replication(replica: Mapping[str, Any]) -> str:
    if not replica:
        return "unknown: the replica does not answer"
    threads = (replica["Replica_IO_Running"], replica["Replica_SQL_Running"])
    if threads == ("Yes", "Yes"):
        return "running"
    words = replica.get("Last_SQL_Error") or replica.get("Last_IO_Error") or ""
    return f"not running: IO {threads[0]}, SQL {threads[1]}" + (f": {words}" if words else "")
