"""HAProxy, asked over its statistics socket: queues, retries, balance, the edge cache."""

from __future__ import annotations

import csv
import io
import socket
from collections import Counter

from probes.probe import ProbeError, Reading

_SERVER = {
    "scur": ("sessions", "gauge"),
    "qcur": ("queue", "gauge"),
    "stot": ("requests", "counter"),
    "wretr": ("retries", "counter"),
    "wredis": ("redispatches", "counter"),
    "econ": ("connect_errors", "counter"),
    "hrsp_5xx": ("errors_5xx", "counter"),
    "qtime": ("queue_time_ms", "gauge"),
    "ctime": ("connect_time_ms", "gauge"),
    "rtime": ("response_time_ms", "gauge"),
    "ttime": ("total_time_ms", "gauge"),
    "slim": ("sessions_limit", "gauge"),
}
_FRONTEND = {
    "scur": ("sessions", "gauge"),
    "slim": ("sessions_limit", "gauge"),
    "req_tot": ("requests", "counter"),
    "hrsp_5xx": ("errors_5xx", "counter"),
    "cache_lookups": ("cache_lookups", "counter"),
    "cache_hits": ("cache_hits", "counter"),
}


class HaproxyProbe:
    """One HAProxy; frontends and servers are instances of their own: `frontend/public`, `web/web1`."""

    tier = "lb"
    instance = "haproxy"

    def __init__(self, stats_socket: str) -> None:
        self._path = stats_socket
        self.calls: Counter[str] = Counter()

    def sample(self) -> list[Reading]:
        """What it says now. Raises ProbeError."""
        # One connection for both: each is work for the process that is watched.
        told, mark, table = self._ask("show info;show stat").partition("# pxname,")
        if not mark:
            raise ProbeError("HAProxy's statistics socket: it has no table of statistics")
        readings = _of_process(told)
        for row in csv.DictReader(io.StringIO(mark.lstrip("# ") + table)):
            proxy, name = row["pxname"], row["svname"]
            if name == "FRONTEND":
                readings += _readings(row, _FRONTEND, f"frontend/{proxy}")
            elif name == "BACKEND":
                readings += _readings(row, _SERVER, f"backend/{proxy}")
            else:
                readings += _readings(row, _SERVER, f"{proxy}/{name}")
                up = float(row["status"].startswith(("UP", "no check")))
                readings.append(Reading("up", up, "gauge", f"{proxy}/{name}"))
        return readings

    def _ask(self, command: str) -> str:
        self.calls[self.tier] += 1
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(2)
                line.connect(self._path)
                line.sendall(command.encode() + b"\n")
                pieces = []
                while piece := line.recv(65536):
                    pieces.append(piece)
        except OSError as problem:
            raise ProbeError(f"HAProxy's statistics socket: {problem.strerror or problem}") from problem
        return b"".join(pieces).decode()

    def close(self) -> None:
        """Nothing is kept open: HAProxy answers one command a connection."""


def _of_process(info: str) -> list[Reading]:
    """A full process makes new connections wait in the kernel: only the process's own count shows it."""
    told = dict(line.split(": ", 1) for line in info.splitlines() if ": " in line)
    wanted = {"CurrConns": "connections", "Maxconn": "connections_max", "Idle_pct": "idle_pct"}
    return [Reading(name, float(told[key])) for key, name in wanted.items() if key in told]


def _readings(row: dict[str, str], wanted: dict[str, tuple[str, str]], instance: str) -> list[Reading]:
    found = []
    for column, (metric, kind) in wanted.items():
        value = row.get(column) or ""
        if value:
            found.append(Reading(metric, float(value), "counter" if kind == "counter" else "gauge", instance))
    return found
