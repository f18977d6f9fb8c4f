"""A streamed tRPC batch (application/jsonl): which item is complete when."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from load import superjson

_FULFILLED: Final = 0
_PROMISE: Final = 0
_ITERATION_OVER, _ITERATION_FAILED = 0, 2


class JsonLines:
    """Takes the pieces of a stream as they come; `items` fills up and `ended_s` says when each was whole.

    The first line promises the items, later ones keep a promise each and may make further ones within it:
    `[chunk, status, [[value], [key, kind, chunk] ...]]`. Source: @trpc/server 11, stream/jsonl.
    """

    def __init__(self, count: int, is_superjson: bool, clock: Callable[[], float]) -> None:
        self.items: list[Any] = [None] * count
        self.ended_s: list[float | None] = [None] * count
        self._is_superjson = is_superjson
        self._clock = clock
        self._rest = b""
        self._open: dict[int, tuple[int, Callable[[Any], None], bool]] = {}
        self._pending = [0] * count
        self._has_begun = False

    def feed(self, data: bytes) -> None:
        """Take a piece. Raises ValueError for what is not such a stream."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line.strip():
                self._take(json.loads(line))

    def _take(self, line: Any) -> None:
        if self._is_superjson:
            line = superjson.decode(line)
        try:
            if self._has_begun:
                self._keep(*line)
            else:
                self._has_begun = True
                for index in range(len(self.items)):
                    self._place(index, line[str(index)], self._setter(self.items, index))
                    self._note(index)
        except (KeyError, IndexError, TypeError) as problem:
            raise ValueError(f"not a tRPC stream: {problem!r}") from problem

    def _keep(self, chunk: int, status: int, encoded: Any = None) -> None:
        index, put, is_iteration = self._open[chunk]
        if is_iteration and status not in (_ITERATION_OVER, _ITERATION_FAILED):
            self._place(index, encoded, put)
        else:
            del self._open[chunk]
            self._pending[index] -= 1
            if is_iteration or status == _FULFILLED:
                if not is_iteration:
                    self._place(index, encoded, put)
            else:
                self.items[index] = {"error": {"message": "rejected in the stream", "data": {}}}
        self._note(index)

    def _place(self, index: int, encoded: Any, put: Callable[[Any], None]) -> None:
        """Put a value where it belongs, and remember what is still to come inside it."""
        (held, *promises) = encoded
        value = held[0] if held else None
        put(value)
        for key, kind, chunk in promises:
            later = put if key is None else self._setter(value, key)
            if kind != _PROMISE:
                values: list[Any] = []
                later(values)
                later = values.append
            self._open[chunk] = (index, later, kind != _PROMISE)
            self._pending[index] += 1

    def _note(self, index: int) -> None:
        if self._pending[index] == 0 and self.ended_s[index] is None:
            self.ended_s[index] = self._clock()

    @staticmethod
    def _setter(holder: Any, key: Any) -> Callable[[Any], None]:
        return lambda value: holder.__setitem__(key, value)
