"""Honest disturbances of a running stack: signals, statements and load beside it, nothing pretended.

Each has `begin` and `end`, both of which may be repeated; one that must keep at it has `run` as well, which
a process of its own calls (stack.disturb) until that process is ended.
"""

from __future__ import annotations

import signal
import threading
import time
from dataclasses import dataclass
from typing import Protocol

import psutil
import pymysql
import redis
from pymysql.constants import ER

from stack import admin, supervision
from stack.asked import Asked
from stack.errors import StackError
from stack.place import Place


class Disturbance(Protocol):
    """What happens to a stack while a fault is on."""

    def begin(self, place: Place) -> None:
        """Bring it about. Raises StackError."""

    def end(self, place: Place) -> None:
        """Put it right again. Raises StackError."""


class KeptUp(Disturbance, Protocol):
    """A disturbance that somebody has to keep up."""

    def run(self, place: Place) -> None:
        """Keep it up until the process is ended."""


def _pids(place: Place, prefix: str) -> list[int]:
    known = supervision.process_info(place)
    return [
        int(info["pid"]) for name, info in sorted(known.items()) if name.startswith(prefix) and info["pid"]
    ]


def _send(place: Place, prefix: str, number: signal.Signals) -> None:
    pids = _pids(place, prefix)
    if not pids:
        raise StackError(f"no process {prefix} runs in stack {place.name}")
    for pid in pids:
        psutil.Process(pid).send_signal(number)


@dataclass(frozen=True)
class Killed:
    """A process is killed with SIGKILL; in the end it is started again."""

    process: str

    def begin(self, place: Place) -> None:
        """Kill it, and wait until its supervisor has seen that."""
        _send(place, self.process, signal.SIGKILL)
        if not supervision.wait_until(lambda: not _pids(place, self.process), 5):
            raise StackError(f"{self.process} does not end")

    def end(self, place: Place) -> None:
        """Start it again."""
        if not _pids(place, self.process):
            supervision.start(place, self.process)


@dataclass(frozen=True)
class Paused:
    """Processes are stopped with SIGSTOP: they keep their connections and answer nobody."""

    prefix: str

    def begin(self, place: Place) -> None:
        """Stop them."""
        _send(place, self.prefix, signal.SIGSTOP)

    def end(self, place: Place) -> None:
        """Let them go on."""
        _send(place, self.prefix, signal.SIGCONT)


@dataclass(frozen=True)
class Slowed(Paused):
    """A process runs only part of the time: it is stopped and let go on in turn."""

    paused_s: float = 0.09
    running_s: float = 0.01

    def begin(self, place: Place) -> None:
        """Nothing yet: `run` does it."""

    def run(self, place: Place) -> None:
        """Stop it and let it go on, again and again."""
        (pid,) = _pids(place, self.prefix)
        process = psutil.Process(pid)
        while True:
            process.suspend()
            time.sleep(self.paused_s)
            process.resume()
            time.sleep(self.running_s)


DONE_ALREADY = (ER.DUP_KEYNAME, ER.CANT_DROP_FIELD_OR_KEY)
"""What a server says where a statement was carried out before; MySQL has no IF EXISTS for an index."""


@dataclass(frozen=True)
class Statement:
    """SQL on one of the servers, and SQL that takes it back."""

    role: str
    begins: str
    ends: str

    def begin(self, place: Place) -> None:
        """Execute the first."""
        self._execute(place, self.begins)

    def end(self, place: Place) -> None:
        """Execute the second."""
        self._execute(place, self.ends)

    def _execute(self, place: Place, sql: str) -> None:
        with admin.connect(place, self.role) as server, server.cursor() as cursor:
            try:
                cursor.execute(sql)
            except pymysql.MySQLError as problem:
                if problem.args[0] not in DONE_ALREADY:
                    raise


class _OnlyKeptUp:
    """Nothing to begin and nothing left behind: the server forgets it with the connection."""

    def begin(self, place: Place) -> None:
        """Nothing: `run` does it."""

    def end(self, place: Place) -> None:
        """Nothing: it ended with its connection."""


@dataclass(frozen=True)
class Lagging(_OnlyKeptUp):
    """The replica may not apply what it receives, most of the time: its lag is real, and reads go on."""

    locked_s: float = 2.0
    free_s: float = 0.2

    def run(self, place: Place) -> None:
        """Lock and unlock."""
        with admin.connect(place, "replica") as replica, replica.cursor() as cursor:
            while True:
                cursor.execute("FLUSH TABLES WITH READ LOCK")
                time.sleep(self.locked_s)
                cursor.execute("UNLOCK TABLES")
                time.sleep(self.free_s)


@dataclass(frozen=True)
class HotRow(_OnlyKeptUp):
    """Several sessions update one row of the primary, each keeping its lock for a while."""

    sessions: int = 4
    held_s: float = 0.05

    def run(self, place: Place) -> None:
        """Fight for the row of the first team's counter."""
        threads = [
            threading.Thread(target=self._fight, args=[place], daemon=True) for _ in range(self.sessions)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _fight(self, place: Place) -> None:
        with admin.connect(place, "primary") as primary, primary.cursor() as cursor:
            while True:
                try:
                    cursor.execute("BEGIN")
                    cursor.execute("UPDATE app.counters SET hits = hits + 1 WHERE team_id = 1")
                    time.sleep(self.held_s)
                    cursor.execute("COMMIT")
                except pymysql.err.OperationalError as problem:
                    if problem.args[0] not in (1205, 1213):  # lock wait timeout, deadlock: what it is about
                        raise


@dataclass(frozen=True)
class SlowRedis:
    """A large set is sorted again and again: Redis serves one command at a time, so all others wait."""

    members: int = 100_000
    pause_s: float = 0.1
    key: str = "disturbance:large"

    def begin(self, place: Place) -> None:
        """Nothing yet: `run` does it."""

    def end(self, place: Place) -> None:
        """Remove the set."""
        with self._client(place) as client:
            client.unlink(self.key)

    def run(self, place: Place) -> None:
        """Make the set, and again should it be evicted, and sort it."""
        with self._client(place) as client:
            while True:
                if not client.exists(self.key):
                    client.sadd(self.key, *range(self.members))
                client.sort(self.key, start=0, num=1, by="nosort:*->x", alpha=True)
                time.sleep(self.pause_s)

    def _client(self, place: Place) -> redis.Redis:
        port = place.ports(Asked.of(place).knobs().ports.base).redis
        return redis.Redis(
            host="127.0.0.1", port=port, password=place.credentials()["redis"], socket_timeout=10
        )
