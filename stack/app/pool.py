"""A connection pool that counts who waits for it, and for how long."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncmy
from asyncmy.errors import OperationalError

from stack.app import api_metrics as metrics
from stack.app.protocol import TrpcError
from stack.app.timing import Timing

log = logging.getLogger(__name__)


class Pool:
    """At most `size` connections to one server; who finds none free waits in line, `timeout_s` at most.

    `way_s` is what a statement's way there and back is to take beside what it takes anyway.
    """

    def __init__(
        self, name: str, login: dict[str, Any], size: int, timeout_s: float, way_s: float = 0.0
    ) -> None:
        self.name = name
        self._login = login
        self._timeout_s = timeout_s
        self._way_s = way_s
        self._idle: list[Any] = []
        self._free = size
        self._complained = float("-inf")
        self._line: deque[asyncio.Future[None]] = deque()
        self._used = metrics.POOL_COUNT.labels(name, "used")
        self._idle_count = metrics.POOL_COUNT.labels(name, "idle")
        self._pending = metrics.POOL_PENDING.labels(name)
        self._timeouts = metrics.POOL_TIMEOUTS.labels(name)
        self._wait = metrics.POOL_WAIT.labels(name)
        self._use = metrics.POOL_USE.labels(name)
        self._create = metrics.POOL_CREATE.labels(name)
        metrics.POOL_MAX.labels(name).set(size)

    @asynccontextmanager
    async def connection(self, timing: Timing) -> AsyncIterator[Any]:
        """A connection for a block; the wait counts as `pool`. Raises TrpcError SERVICE_UNAVAILABLE.

        A block that ends with anything but a TrpcError leaves the connection in doubt: it is closed.
        """
        began = time.perf_counter()
        try:
            await self._turn()
        finally:
            granted = time.perf_counter()
            self._wait.observe(granted - began)
            timing.add("pool", granted - began)
        connection = None
        try:
            connection = self._sound() or await self._connect(timing)
            yield connection
        except TrpcError:
            raise
        except BaseException:
            if connection is not None:
                connection.close()
            raise
        finally:
            if connection is not None and connection.connected:
                self._idle.append(connection)
            self._use.observe(time.perf_counter() - granted)
            self._give_back()

    async def way(self) -> None:
        """A statement's way to a server that is far away, and back; at once for one that is not."""
        if self._way_s:
            await asyncio.sleep(self._way_s)

    def _sound(self) -> Any:
        """An idle connection whose server has not hung up meanwhile; None where there is none."""
        while self._idle:
            connection = self._idle.pop()
            if not connection._stream_broken:
                return connection
            connection.close()
        return None

    async def _connect(self, timing: Timing) -> Any:
        began = time.perf_counter()
        try:
            return await asyncmy.connect(**self._login, autocommit=True, connect_timeout=5)
        # asyncmy says RuntimeError where the server hung up at once, as it does when it is full.
        except (OperationalError, OSError, RuntimeError) as problem:
            # One line a second says it; every request that meets it has its own error anyway.
            if began - self._complained > 1:
                self._complained = began
                log.warning("no connection to the %s database: %s", self.name, problem)
            raise TrpcError("SERVICE_UNAVAILABLE", f"{self.name} database: {problem}") from problem
        finally:
            self._create.observe(time.perf_counter() - began)
            timing.add("pool", time.perf_counter() - began)

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
            self._pass_on(place)
            self._timeouts.inc()
            said = f"no {self.name} connection within {self._timeout_s:g} s"
            raise TrpcError("SERVICE_UNAVAILABLE", said) from None
        except asyncio.CancelledError:
            self._pass_on(place)
            raise
        finally:
            self._pending.dec()

    def _pass_on(self, place: asyncio.Future[None]) -> None:
        """Granted in the same moment as its owner gave up: the turn goes to the next in line."""
        if place.done() and not place.cancelled():
            self._give_back()

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

    async def close(self) -> None:
        """Close what is idle: MySQL ends slowly while clients are connected."""
        while self._idle:
            await self._idle.pop().ensure_closed()
