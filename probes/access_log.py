"""The load balancer's request log, read as it grows: where each request spent its time, counted for all.

HAProxy's own averages are over its last 1024 requests; its log has each. Times are counters in seconds, so
that a mean over any stretch is exact: growth of `log.queue_seconds` by growth of `log.requests`.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from probes.probe import ProbeError, Reading

MOST_BYTES = 4_000_000
"""Read at a time; what is beyond comes a second later."""

_HAPROXY = re.compile(
    rb" (?P<backend>[^ /]+)/(?P<server>[^ ]+) (?P<times>-?\d+/-?\d+/-?\d+/-?\d+/\+?\d+) (?P<status>-?\d{1,3})"
    rb" \+?\d+ \S+ \S+ (?P<end>\S{4}) \d+/\d+/\d+/\d+/(?P<retries>\+?\d+) "
)
_NGINX = re.compile(rb'^\S+ \S+ .*?\[[^\]]+\] "[^"]*" (?P<status>\d{3}) (?:\d+|-)(?P<rest>.*)$')
_NGINX_TIMES = {
    "total": re.compile(rb'\b(?:rt|request_time)="?([\d.]+)'),
    "connect": re.compile(rb'\b(?:uct|upstream_connect_time)="?([\d.]+)'),
    "response": re.compile(rb'\b(?:urt|upstream_response_time)="?([\d.]+)'),
}
_HAPROXY_TIMES = ("", "queue", "connect", "response", "total")
"""Of TR/Tw/Tc/Tr/Ta, in ms. The first is the client's own time for sending its request."""


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
        self._counts: Counter[tuple[str, str]] = Counter()
        self._foreign = 0

    def sample(self) -> list[Reading]:
        """All that was logged since the run began. Raises ProbeError where the log cannot be read."""
        for line in self._new_lines():
            found = _HAPROXY.search(line)
            if found:
                self._count_haproxy(found)
            elif nginx := _NGINX.match(line):
                self._count_nginx(nginx)
            else:
                self._foreign += 1
        if self._foreign and not self._counts:
            raise ProbeError(f"the load balancer's log {self._path} is neither HAProxy's nor nginx's")
        return [
            Reading(f"log.{figure}", value, "counter", instance)
            for (instance, figure), value in self._counts.items()
        ]

    def _new_lines(self) -> list[bytes]:
        try:
            with self._path.open("rb") as file:
                size = file.seek(0, 2)
                if size < self._at:  # it was rotated
                    self._at = 0
                file.seek(self._at)
                read = file.read(MOST_BYTES)
        except OSError as problem:
            raise ProbeError(f"the load balancer's log: {problem.strerror}: {self._path}") from problem
        whole = read[: read.rfind(b"\n") + 1]  # the last line may be half written
        self._at += len(whole)
        return whole.splitlines()

    def _count_haproxy(self, found: re.Match[bytes]) -> None:
        instance = f"{found['backend'].decode()}/{found['server'].decode()}"
        self._add(instance, "requests", 1)
        for name, told in zip(_HAPROXY_TIMES, found["times"].split(b"/"), strict=True):
            if name and not told.startswith(b"-"):
                self._add(instance, f"{name}_seconds", int(told) / 1000)
        self._add(instance, "errors_5xx", found["status"].startswith(b"5"))
        self._add(instance, "aborted", found["end"][:1] != b"-")
        self._add(instance, "retries", int(found["retries"]))

    def _count_nginx(self, found: re.Match[bytes]) -> None:
        self._add("nginx", "requests", 1)
        self._add("nginx", "errors_5xx", found["status"].startswith(b"5"))
        for name, pattern in _NGINX_TIMES.items():
            if told := pattern.search(found["rest"]):
                self._add("nginx", f"{name}_seconds", float(told[1]))

    def _add(self, instance: str, figure: str, value: float) -> None:
        self._counts[instance, figure] += value  # type: ignore[assignment]  # a Counter adds floats as well

    def close(self) -> None:
        """Nothing is kept open."""
