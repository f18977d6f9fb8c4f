"""tRPC's two streams: JSON lines for httpBatchStreamLink, server-sent events for subscriptions."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from typing import Any

from stack.app.encoding import Encoding

FULFILLED, REJECTED = 0, 1
_PROMISE = 0
_PLACEHOLDER = 0


async def json_lines(
    items: Sequence[Awaitable[Any]], encoding: Encoding, on_error: Any
) -> AsyncIterator[bytes]:
    """First what is promised, then each value as it becomes known.

    A line is [chunk id, status, encoded]; `encoded` is [[value], [key, 0, chunk id]...]: a value that is to
    come is a 0 at `key` (null for the value itself) and the number of the chunk that will bring it.
    `on_error` makes the error's shape from what an awaitable raised. Source: @trpc/server, stream/jsonl.ts.
    """
    chunks = _Chunks(on_error)
    head = {str(index): chunks.encode(item) for index, item in enumerate(items)}
    try:
        yield encoding.line(head)
        while chunks.open:
            yield encoding.line(await chunks.next())
    finally:
        chunks.cancel()


class _Chunks:
    """Numbers the values still to come and hands them out in the order in which they arrive."""

    def __init__(self, on_error: Any) -> None:
        self.open = 0
        self._count = 0
        self._on_error = on_error
        self._arrived: asyncio.Queue[list[Any]] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()

    def encode(self, value: Any) -> list[Any]:
        if value is None:
            return [[]]
        if inspect.isawaitable(value):
            return [[_PLACEHOLDER], [None, _PROMISE, self._register(value)]]
        if not isinstance(value, Mapping):
            return [[value]]
        later = {key: self._register(inner) for key, inner in value.items() if inspect.isawaitable(inner)}
        if not later:
            return [[value]]
        shown = {key: _PLACEHOLDER if key in later else inner for key, inner in value.items()}
        return [[shown], *([key, _PROMISE, number] for key, number in later.items())]

    def _register(self, awaitable: Awaitable[Any]) -> int:
        number = self._count
        self._count += 1
        self.open += 1
        task = asyncio.ensure_future(self._await(number, awaitable))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return number

    async def _await(self, number: int, awaitable: Awaitable[Any]) -> None:
        try:
            chunk = [number, FULFILLED, self.encode(await awaitable)]
        except Exception as problem:
            chunk = [number, REJECTED, self._on_error(problem)]
        self._arrived.put_nowait(chunk)

    async def next(self) -> list[Any]:
        chunk = await self._arrived.get()
        self.open -= 1
        return chunk

    def cancel(self) -> None:
        for task in self._tasks:
            task.cancel()


async def server_sent_events(
    values: AsyncIterator[Any], encoding: Encoding, on_error: Any
) -> AsyncIterator[bytes]:
    """A subscription's values as events, from `connected` to `return`. Source: @trpc/server, sse.ts."""
    yield b"event: connected\ndata: {}\n\n\n"
    try:
        async for value in values:
            yield b"data: " + encoding.line(value) + b"\n\n"
    except Exception as problem:
        yield b"event: serialized-error\ndata: " + encoding.line(on_error(problem)) + b"\n\n"
        return
    yield b"event: return\ndata: \n\n\n"
