"""How many requests an instance works on at a time; the rest wait in line, and both are counted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import Gauge, Histogram

from stack.app.metrics import TIMES_S
from stack.app.timing import Timing

_MOST = Gauge("app_workers_max", "Requests worked on at a time, at most")
_USED = Gauge("app_workers_used", "Requests being worked on")
_PENDING = Gauge("app_workers_pending", "Requests waiting for their turn")
_WAIT = Histogram("app_workers_wait_seconds", "Wait for a turn", buckets=TIMES_S)


class Workers:
    """At most `most` requests at a time, first come, first served. The wait counts as `part`."""

    def __init__(self, most: int, part: str) -> None:
        self._slots = asyncio.Semaphore(most)
        self._part = part
        _MOST.set(most)

    @asynccontextmanager
    async def turn(self, timing: Timing) -> AsyncIterator[None]:
        """Wait for a free worker, and keep it busy for a block."""
        began = time.perf_counter()
        _PENDING.inc()
        try:
            await self._slots.acquire()
        finally:
            _PENDING.dec()
        _USED.inc()
        try:
            waited = time.perf_counter() - began
            timing.add(self._part, waited)
            _WAIT.observe(waited)
            yield
        finally:
            _USED.dec()
            self._slots.release()
