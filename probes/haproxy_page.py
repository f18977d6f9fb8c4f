"""HAProxy asked over HTTP, by its Prometheus page, where its statistics socket is out of reach (compose)."""

from __future__ import annotations

import re
import ssl
from collections import Counter
from collections.abc import Iterator

from probes.pages import Page
from probes.probe import ProbeError, Reading
from results.series import Kind

_LINE = re.compile(r"^haproxy_(frontend|backend|server)_(\w+)\{([^}]*)\} (\S+)")
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_METRICS: dict[str, tuple[str, Kind, float]] = {
    "current_sessions": ("sessions", "gauge", 1),
    "limit_sessions": ("sessions_limit", "gauge", 1),
    "current_queue": ("queue", "gauge", 1),
    "retry_warnings_total": ("retries", "counter", 1),
    "redispatch_warnings_total": ("redispatches", "counter", 1),
    "connection_errors_total": ("connect_errors", "counter", 1),
    "queue_time_average_seconds": ("queue_time_ms", "gauge", 1000),
    "connect_time_average_seconds": ("connect_time_ms", "gauge", 1000),
    "response_time_average_seconds": ("response_time_ms", "gauge", 1000),
    "total_time_average_seconds": ("total_time_ms", "gauge", 1000),
    "http_cache_lookups_total": ("cache_lookups", "counter", 1),
    "http_cache_hits_total": ("cache_hits", "counter", 1),
}


class HaproxyPageProbe:
    """The figures and instances of probes.haproxy.HaproxyProbe, but for the process's own."""

    tier = "lb"
    instance = "haproxy"

    def __init__(self, metrics_url: str, tls: ssl.SSLContext | None = None) -> None:
        self.calls: Counter[str] = Counter()
        self._page = Page("HAProxy's metrics page", metrics_url, tls)

    def sample(self) -> list[Reading]:
        """What it says now. Raises ProbeError."""
        self.calls[self.tier] += 1
        readings = list(lb_readings_from(self._page.text()))
        if not readings:
            raise ProbeError("HAProxy's metrics page has none of its figures")
        return readings

    def close(self) -> None:
        """Close the connection."""
        self._page.close()


def lb_readings_from(page: str) -> Iterator[Reading]:
    """The figures that the harness knows, in the text of HAProxy's Prometheus page."""
    for line in page.splitlines():
        found = _LINE.match(line)
        if found is None:
            continue
        scope, name, labels, value = found[1], found[2], dict(_LABEL.findall(found[3])), float(found[4])
        proxy = labels["proxy"]
        instance = f"{proxy}/{labels['server']}" if scope == "server" else f"{scope}/{proxy}"
        if name in _METRICS:
            metric, kind, factor = _METRICS[name]
            yield Reading(metric, value * factor, kind, instance)
        elif name == ("http_requests_total" if scope == "frontend" else "sessions_total"):
            yield Reading("requests", value, "counter", instance)
        elif name == "http_responses_total" and labels.get("code") == "5xx":
            yield Reading("errors_5xx", value, "counter", instance)
        elif name == "status" and scope == "server" and labels.get("state") == "UP":
            yield Reading("up", value, "gauge", instance)
