"""A connection pool that counts who waits for it, and for how long."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncmy
from asyncmy.errors import OperationalError

from stack.app import metrics
from stack.app.protocol import TrpcError
from stack.app.timing import Timing


class Pool:
    """At most `size` connections to one server; whoever finds none free waits in line, `timeout_s` at most."""

    def __init__(self, name: str, login: dict[str, Any], size: int, timeout_s: float) -> None:
        self._login = login
        self._timeout_s = timeout_s
        self._idle: list[Any] = []
        self._free = size
        self._line: deque[asyncio.Future[None]] = deque()
        self._used = metrics.POOL_COUNT.labels(name, "used")
        self._idle_count = metrics.POOL_COUNT.labels(name, "idle")
        self._pending = metrics.POOL_PENDING.labels(name)
        self._timeouts = metrics.POOL_TIMEOUTS.labels(name)
        self._wait = metrics.POOL_WAIT.labels(name)
        self._use = metrics.POOL_USE.labels(name)
        metrics.POOL_MAX.labels(name).set(size)

    @asynccontextmanager
    async def connection(self, timing: Timing) -> AsyncIterator[Any]:
        """A connection for a block; its wait counts as `pool`. Raises TrpcError SERVICE_UNAVAILABLE on timeout."""
        began = time.perf_counter()
        await self._turn()
        broken = True
        connection = None
        try:
            connection = self._idle.pop() if self._idle else await self._connect()
            granted = time.perf_counter()
            self._wait.observe(granted - began)
            timing.add("pool", granted - began)
            yield connection
            broken = False
        except TrpcError:
            broken = False
            raise
        finally:
            if connection is not None:
                self._use.observe(time.perf_counter() - granted)
                if broken:
                    connection.close()
                else:
                    self._idle.append(connection)
            self._give_back()

    async def _connect(self) -> Any:
        try:
            return await asyncmy.connect(**self._login, autocommit=True, connect_timeout=5)
        except (OperationalError, OSError) as problem:
            raise TrpcError("SERVICE_UNAVAILABLE", f"database: {problem}") from problem

    async def _turn(self) -> None:
        if self._free > 0 and not self._line:
            self._free -= 1
            self._used.inc()
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append(place)
        self._pending.inc()
        try:
            async with asyncio.timeout(self._timeout_s):
                await place
        except TimeoutError:
            self._timeouts.inc()
            raise TrpcError("SERVICE_UNAVAILABLE", f"no connection within {self._timeout_s:g} s") from None
        except asyncio.CancelledError:
            # Cancelled in the same moment as it was granted: the place goes to the next in line.
            if place.done() and not place.cancelled():
                self._give_back()
            raise
        finally:
            self._pending.dec()

    def _give_back(self) -> None:
        while self._line:
            place = self._line.popleft()
            if not place.done():
                place.set_result(None)
                return
        self._free += 1
        self._used.dec()

    def refresh(self) -> None:
        """Bring the gauge of idle connections up to date."""
        self._idle_count.set(len(self._idle))
