"""An access log as a recording: which requests came when.

Reads HAProxy's HTTP log and nginx's combined format. Imports neither locust nor gevent.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from results.errors import UsageError

HARMLESS: Final = "GET, HEAD"
"""What is replayed unless told otherwise: a log holds no bodies, which what changes data would need."""

_MINUTE = r"(?P<minute>\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d)"
_REQUEST = r'"(?P<method>[A-Z]+) (?P<target>\S+) HTTP/[\d.]+"'
_HAPROXY = re.compile(
    rf"\[{_MINUTE}:(?P<second>\d\d\.\d+)\] (?P<frontend>\S+) \S+ [-+\d/]+ (?P<status>-?\d+) .*{_REQUEST}\s*$"
)
_COMBINED = re.compile(rf"\[{_MINUTE}:(?P<second>\d\d) (?P<zone>[-+]\d{{4}})\] {_REQUEST} (?P<status>\d+) ")


@dataclass(frozen=True, slots=True)
class Logged:
    """One request; `at_s` is seconds since the epoch in a log, since the first request in a recording."""

    at_s: float
    method: str
    path: str
    status: int
    frontend: str = ""


@dataclass(frozen=True)
class Recording:
    """The requests to be replayed, in order, and how many lines were left out and why."""

    requests: tuple[Logged, ...]
    left_out: dict[str, int] = field(default_factory=dict)

    def per_bin(self, width_s: float) -> list[int]:
        """How many requests begin in each stretch of a width, from the first request's on."""
        counts = Counter(int(request.at_s / width_s) for request in self.requests)
        return [counts[number] for number in range(max(counts) + 1)]


def parse_line(line: str) -> Logged | None:
    """The request that a line tells of; None where it is of neither format.

    HAProxy logs when a request began, to the millisecond; nginx when it ended, to the second.
    """
    found = _HAPROXY.search(line) or _COMBINED.search(line)
    if found is None:
        return None
    said = found.groupdict()
    parts = urlsplit(said["target"])
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    try:
        at_s = _minute_s(said["minute"], said.get("zone") or "+0000") + float(said["second"])
    except ValueError:
        return None
    frontend = (said.get("frontend") or "").removesuffix("~")
    return Logged(at_s, said["method"], path, int(said["status"]), frontend)


@lru_cache(maxsize=256)
def _minute_s(text: str, zone: str) -> float:
    return datetime.strptime(f"{text} {zone}", "%d/%b/%Y:%H:%M %z").astimezone(UTC).timestamp()


def recorded(
    lines: Iterable[str], *, speed: float = 1.0, methods: str = HARMLESS, frontend: str = ""
) -> Recording:
    """The requests of a log's lines, in the order in which they came, `speed` times as fast.

    Raises UsageError where nothing is left to replay, or where lines are of several HAProxy frontends (one
    behind the other would be the same request twice) and none is named.
    """
    wanted = {method.strip().upper() for method in methods.split(",")}
    kept: list[Logged] = []
    left_out: Counter[str] = Counter()
    for line in lines:
        request = parse_line(line)
        if request is None:
            left_out["not a request"] += bool(line.strip())
        elif frontend and request.frontend != frontend:
            left_out[f"frontend {request.frontend}"] += 1
        elif request.method not in wanted:
            left_out[request.method] += 1
        elif not request.path.startswith("/"):
            left_out["no path"] += 1
        else:
            kept.append(request)
    frontends = sorted({request.frontend for request in kept})
    if len(frontends) > 1:
        raise UsageError(f"the log is of the frontends {', '.join(frontends)}: name one with frontend = ...")
    if not kept:
        told = ", ".join(f"{count} {reason}" for reason, count in left_out.items() if count)
        raise UsageError(f"the log holds no {methods} request to replay ({told or 'it is empty'})")
    spread = _spread(sorted(kept, key=lambda request: request.at_s))
    first_s = spread[0].at_s
    return Recording(
        tuple(
            Logged((request.at_s - first_s) / speed, request.method, request.path, request.status)
            for request in spread
        ),
        {reason: count for reason, count in left_out.items() if count},
    )


def _spread(requests: list[Logged]) -> list[Logged]:
    """Where a log tells whole seconds only, its requests spread over each in order: its grain is no burst."""
    if any(request.at_s % 1 for request in requests):
        return requests
    spread = []
    for at_s, same in groupby(requests, key=lambda request: request.at_s):
        together = list(same)
        spread += [
            Logged(at_s + place / len(together), each.method, each.path, each.status)
            for place, each in enumerate(together)
        ]
    return spread


@lru_cache(maxsize=2)
def recording(
    log: str, size_bytes: int = -1, speed: float = 1.0, methods: str = HARMLESS, frontend: str = ""
) -> Recording:
    """The recording of a file's first `size_bytes`, as a log may grow meanwhile. Raises UsageError."""
    try:
        with Path(log).open("rb") as file:
            text = file.read(size_bytes).decode("utf-8", "replace")
    except OSError as problem:
        raise UsageError(f"access log {log}: {problem.strerror}") from problem
    try:
        return recorded(text.splitlines(), speed=speed, methods=methods, frontend=frontend)
    except UsageError as problem:
        raise UsageError(f"access log {log}: {problem}") from problem
