"""nginx in place of HAProxy, asked by its stub_status page: connections and requests, and no more."""

from __future__ import annotations

import re
import urllib.error
import urllib.request

from probes.probe import ProbeError, Reading

_PAGE = re.compile(
    r"Active connections:\s+(\d+)\s+server accepts handled requests\s+(\d+)\s+(\d+)\s+(\d+)\s+"
    r"Reading:\s+(\d+)\s+Writing:\s+(\d+)\s+Waiting:\s+(\d+)"
)
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never by way of a proxy


class NginxProbe:
    """One nginx. A connection that was accepted but not handled met a limit: `connections_dropped`."""

    tier = "lb"
    instance = "nginx"

    def __init__(self, status_url: str) -> None:
        self._url = status_url

    def sample(self) -> list[Reading]:
        """What it says now. Raises ProbeError."""
        try:
            with _DIRECT.open(self._url, timeout=2) as answer:
                text = answer.read(10_000).decode(errors="replace")
        except (OSError, urllib.error.URLError) as problem:
            raise ProbeError(f"nginx's status page: {problem}") from problem
        found = _PAGE.search(text)
        if found is None:
            raise ProbeError("nginx's status page is not one of stub_status")
        active, accepted, handled, requests, reading, writing, waiting = (float(n) for n in found.groups())
        return [
            Reading("sessions", active),
            Reading("connections_accepted", accepted, "counter"),
            Reading("connections_dropped", accepted - handled, "counter"),
            Reading("requests", requests, "counter"),
            Reading("connections_reading", reading),
            Reading("connections_writing", writing),
            Reading("connections_waiting", waiting),
        ]

    def close(self) -> None:
        """Nothing is kept open."""
