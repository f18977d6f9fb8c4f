"""The load balancer's request log, read as it grows: where each request spent its time, counted for all.

HAProxy's own averages are over its last 1024 requests; its log has each. Times are counters in seconds, so
that a mean over any stretch is exact: growth of `log.queue_seconds` by growth of `log.requests`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from pathlib import Path

from probes.probe import ProbeError, Reading

MOST_BYTES = 4_000_000
"""Read at a time; what is beyond comes a second later."""

_HAPROXY = re.compile(
    rb" ([^ /\n]+/[^ \n]+) -?\d+/(-?\d+)/(-?\d+)/(-?\d+)/\+?(\d+) (-?\d{1,3}) \+?\d+ \S+ \S+ (\S)\S{3}"
    rb" \d+/\d+/\d+/\d+/\+?(\d+) "
)
"""Server, Tw, Tc, Tr and Ta in ms (-1: it did not come to that), status, how it ended, retries."""
_NGINX = re.compile(rb'^\S+ \S+ .*?\[[^\]\n]+\] "[^"\n]*" (\d{3}) (?:\d+|-)(.*)$', re.MULTILINE)
_NGINX_TIMES = {
    "total": re.compile(rb'\b(?:rt|request_time)="?([\d.]+)'),
    "connect": re.compile(rb'\b(?:uct|upstream_connect_time)="?([\d.]+)'),
    "response": re.compile(rb'\b(?:urt|upstream_response_time)="?([\d.]+)'),
}
_HAPROXY_TIMES = ("queue", "connect", "response", "total")


class AccessLogProbe:
    """A log of HAProxy (`option httplog`) or nginx (combined, at best with `rt=$request_time` and the like).

    Instances are servers as `probes.haproxy` names them (`web/web1`), or `nginx`.
    """

    tier = "lb"
    instance = "access log"

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._at = self._path.stat().st_size if self._path.is_file() else 0
        self.calls: Counter[str] = Counter()
        self._counts: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))

    def sample(self) -> list[Reading]:
        """All that was logged since the run began. Raises ProbeError where the log cannot be read."""
        text = self._new_text()
        if rows := _HAPROXY.findall(text):
            self._count_haproxy(rows)
        elif requests := _NGINX.findall(text):
            self._count_nginx(requests)
        elif text and not self._counts:
            raise ProbeError(f"the load balancer's log {self._path} is neither HAProxy's nor nginx's")
        return [
            Reading(f"log.{figure}", value, "counter", instance)
            for instance, counts in self._counts.items()
            for figure, value in counts.items()
        ]

    def _new_text(self) -> bytes:
        """Whole lines that were written since the last time."""
        try:
            with self._path.open("rb") as file:
                if file.seek(0, 2) < self._at:  # it was rotated
                    self._at = 0
                file.seek(self._at)
                read = file.read(MOST_BYTES)
        except OSError as problem:
            raise ProbeError(f"the load balancer's log: {problem.strerror}: {self._path}") from problem
        whole = read[: read.rfind(b"\n") + 1]  # the last line may be half written
        self._at += len(whole)
        return whole

    def _count_haproxy(self, rows: list[tuple[bytes, ...]]) -> None:
        """By column and not by row: there may be thousands a second, on the machine that makes the load."""
        by_server: dict[bytes, list[tuple[bytes, ...]]] = defaultdict(list)
        for row in rows:
            by_server[row[0]].append(row)
        for server, own in by_server.items():
            _, *times, status, ends, retries = zip(*own, strict=True)
            counts = self._counts[server.decode()]
            counts["requests"] += len(own)
            for name, told in zip(_HAPROXY_TIMES, times, strict=True):
                counts[f"{name}_seconds"] += (sum(map(int, told)) + told.count(b"-1")) / 1000
            counts["errors_5xx"] += sum(n for code, n in Counter(status).items() if code.startswith(b"5"))
            counts["aborted"] += len(ends) - ends.count(b"-")
            counts["retries"] += sum(map(int, retries))

    def _count_nginx(self, requests: list[tuple[bytes, bytes]]) -> None:
        counts = self._counts["nginx"]
        for status, rest in requests:
            counts["requests"] += 1
            counts["errors_5xx"] += status.startswith(b"5")
            for name, pattern in _NGINX_TIMES.items():
                if told := pattern.search(rest):
                    counts[f"{name}_seconds"] += float(told[1])

    def close(self) -> None:
        """Nothing is kept open."""
