"""Where a request's time went, for W3C Server-Timing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Timing:
    """Adds up the parts of one request: queue, pool, db, cache, render ..."""

    def __init__(self) -> None:
        self.began = time.perf_counter()
        self.parts_s: dict[str, float] = {}

    def add(self, part: str, seconds: float) -> None:
        """Add to a part."""
        self.parts_s[part] = self.parts_s.get(part, 0.0) + seconds

    @contextmanager
    def measure(self, part: str) -> Iterator[None]:
        """Add the time that a block takes."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.add(part, time.perf_counter() - began)

    def header(self) -> str:
        """The header's value, in milliseconds, the total first."""
        total = time.perf_counter() - self.began
        parts = [("total", total), *self.parts_s.items()]
        return ", ".join(f"{name};dur={seconds * 1000:.3f}" for name, seconds in parts)


def parse_server_timing(header: str) -> dict[str, float]:
    """Seconds by part, of a header that `Timing.header` or another server wrote."""
    parts = {}
    for piece in header.split(","):
        name, _, rest = piece.strip().partition(";dur=")
        try:
            parts[name] = float(rest.partition(";")[0]) / 1000
        except ValueError:
            continue
    return parts
