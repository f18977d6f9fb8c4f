"""Connections that a generator's users share, with the wait for one measured."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Generic, TypeVar

from gevent.lock import BoundedSemaphore

from load.failure import Failure

Kept = TypeVar("Kept")


class Lending(Generic[Kept]):
    """At most `size` connections, made when first needed; the one used last is lent first."""

    def __init__(self, make: Callable[[], Kept], size: int, timeout_s: float) -> None:
        self.size = size
        self._make = make
        self._timeout_s = timeout_s
        self._idle: list[Kept] = []
        self._places = BoundedSemaphore(size)

    def borrow(self, parts_s: dict[str, float]) -> Kept:
        """A connection; writes the seconds waited for it as "pool" and those for making it as "connect".

        Raises Failure of kind "pool timeout", and what making a connection raises.
        """
        asked_s = perf_counter()
        if not self._places.acquire(timeout=self._timeout_s):
            parts_s["pool"] = perf_counter() - asked_s
            detail = f"none of {self.size} connections came free within {self._timeout_s:g} s"
            raise Failure("pool timeout", detail)
        got_s = perf_counter()
        parts_s["pool"] = got_s - asked_s
        if self._idle:
            return self._idle.pop()
        try:
            made = self._make()
        except BaseException:
            self._places.release()
            raise
        parts_s["connect"] = perf_counter() - got_s
        return made

    def give_back(self, connection: Kept) -> None:
        """The connection is fit for the next borrower."""
        self._idle.append(connection)
        self._places.release()

    def drop(self) -> None:
        """The connection is not to be used again; its place is free."""
        self._places.release()
