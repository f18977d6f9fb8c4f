"""nginx in place of HAProxy, asked by its stub_status page: connections and requests, and no more."""

from __future__ import annotations

import re
import ssl
from collections import Counter

from probes.pages import Page
from probes.probe import ProbeError, Reading

_PAGE = re.compile(
    r"Active connections:\s+(\d+)\s+server accepts handled requests\s+(\d+)\s+(\d+)\s+(\d+)\s+"
    r"Reading:\s+(\d+)\s+Writing:\s+(\d+)\s+Waiting:\s+(\d+)"
)


class NginxProbe:
    """One nginx. A connection that was accepted but not handled met a limit: `connections_dropped`."""

    tier = "lb"
    instance = "nginx"

    def __init__(self, status_url: str, tls: ssl.SSLContext | None = None) -> None:
        self.calls: Counter[str] = Counter()
        self._page = Page("nginx's status page", status_url, tls)

    def sample(self) -> list[Reading]:
        """What it says now. Raises ProbeError."""
        self.calls[self.tier] += 1
        found = _PAGE.search(self._page.text())
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
        """Close the connection."""
        self._page.close()
