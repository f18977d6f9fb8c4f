"""Where clients hand their requests in: the harness's recorder if one is active, else Locust's own event."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from load import recorder
from load.failure import Failure, kind_of


class Counting:
    """One user's way to have requests counted, for clients other than the HTTP one."""

    def __init__(
        self, request_event: Any = None, context: Callable[[], dict[str, Any]] | None = None
    ) -> None:
        """`request_event` and `context` are Locust's; without them nothing is counted outside the harness."""
        self._event = request_event
        self._context = context

    def report(
        self,
        name: str,
        kind: str,
        started_s: float,
        ended_s: float,
        problem: BaseException | None = None,
        received: int = 0,
        parts_s: dict[str, float] | None = None,
        server_timing: str = "",
    ) -> None:
        """Count one request; times on time.perf_counter, `parts_s` in seconds, `received` in bytes."""
        active = recorder.active
        if active is not None:
            error = ("", "") if problem is None else (kind_of(problem), str(problem))
            active.record(name, kind, started_s, ended_s, received, *error, server_timing, parts_s)
        elif self._event is not None:
            self._event.fire(
                request_type=kind,
                name=name,
                response_time=(ended_s - started_s) * 1000,
                response_length=received,
                response=None,
                context=self._context() if self._context else {},
                exception=problem,
                start_time=time.time() - (perf_counter() - started_s),
                url=None,
            )

    @contextmanager
    def timed(
        self, name: str, kind: str, failure_of: Callable[[Exception], Failure | None]
    ) -> Iterator[dict[str, float]]:
        """Count the block as one request; yields a dict for its parts in seconds.

        What `failure_of` makes of an exception is counted and raised in its place; None lets it pass, as
        the scenario's own affair, and counts the request as succeeded.
        """
        started_s = perf_counter()
        if recorder.active is not None:
            recorder.active.begin(name, kind, started_s)
        parts_s: dict[str, float] = {}
        try:
            yield parts_s
        except Exception as problem:
            ended_s = perf_counter()
            failure = problem if isinstance(problem, Failure) else failure_of(problem)
            self.report(name, kind, started_s, ended_s, failure, 0, parts_s)
            if failure is None or failure is problem:
                raise
            raise failure from problem
        self.report(name, kind, started_s, perf_counter(), None, 0, parts_s)
