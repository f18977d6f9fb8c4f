"""Arrivals meet users: each due arrival goes to a free user, or waits in line until one comes free.

Arrivals are handed out by one timer rather than by each user's own, so that the line, the wake-up lag and
the account are kept in one place, arrivals that are due together are served together, and a new rate holds at
once. The timer's callback runs in the event loop and switches straight to the user: nothing is queued between
an arrival and its user.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from itertools import accumulate
from time import perf_counter
from typing import Any, Final

import gevent
from gevent import get_hub
from locust.exception import StopUser

from load.arrivals import Source
from load.line import Line
from load.recorder import Arrival
from results import Account, Flow, Histogram

LONGEST_SLEEP_S: Final = 0.05
"""The clock looks up at least this often, so that a new rate or share takes effect at once."""
SHORTEST_SLEEP_S: Final = 0.0004
"""Arrivals closer together than this are handed out together: a timer for each costs half a request."""
TAKEN_IN_A_ROW: Final = 50
"""So many arrivals are taken without a wait before the event loop has its turn: tasks need not do any I/O."""


class Dispatcher:
    """One generator's lines and the account of its arrivals.

    With several user classes each arrival is for one of them, drawn by weight: were it for whoever is free,
    a class that the system serves slowly would quietly get less of the load.
    """

    def __init__(
        self, source: Source | None, weights: dict[str, float], max_backlog: int, seed: int = 1
    ) -> None:
        """`source` is None for the closed model, in which each user begins anew when it likes."""
        self.source = source
        self.max_backlog = max_backlog
        self.t0 = math.inf
        self.in_flight: set[Arrival] = set()
        self.scheduled = self.started = self.finished = self.failed = 0
        self.is_over = False
        self.overflow = ""
        self.retiring = 0
        """So many of the next users to come free are to end instead."""
        self.retired = 0
        """Those that did: they ended as they were told to, which is no death."""
        self._lines = {name: Line() for name in weights}
        self._names = list(weights)
        self._bounds = list(accumulate(weights.values()))
        self._random = random.Random(f"{seed}/classes")
        self._wake_lags_us: list[float] = []
        self._told = (0, 0, 0, 0)
        self._taken_in_a_row = 0
        self._hub = get_hub()
        self._timer: Any = None

    @property
    def free(self) -> int:
        """Users that wait for an arrival."""
        return sum(len(line.free) for line in self._lines.values())

    @property
    def backlog(self) -> int:
        """Arrivals that are due and found no user free."""
        return sum(len(line.backlog) for line in self._lines.values())

    def line_of(self, user_class: str) -> tuple[int, int]:
        """(arrivals of a class that wait for a user, users of it that wait for an arrival)."""
        line = self._lines[user_class]
        return len(line.backlog), len(line.free)

    def take(self, user_class: str) -> Arrival:
        """The calling user's next arrival; waits until there is one. Raises StopUser when it is to end."""
        line = self._lines[user_class]
        if self.retiring > 0:
            self.retiring -= 1
            self.retired += 1
            raise StopUser
        self._taken_in_a_row += 1
        if self._taken_in_a_row >= TAKEN_IN_A_ROW:
            self._taken_in_a_row = 0
            gevent.sleep(0)
        if line.backlog:
            arrival = line.backlog.popleft()
            arrival.started = perf_counter()
            arrival.late_s = arrival.started - arrival.due
        elif self.source is None and self.t0 <= (now := perf_counter()) and not self.is_over:
            arrival = Arrival(now)
            self.scheduled += 1
        else:
            arrival = self._wait(line)
        self.started += 1
        self.in_flight.add(arrival)
        return arrival

    def _wait(self, line: Line) -> Arrival:
        self._taken_in_a_row = 0
        arrival, both_there = line.wait()
        # From when both were there, how late the user woke up is the generator's doing, not the system's.
        arrival.started = perf_counter()
        self._wake_lags_us.append((arrival.started - both_there) * 1e6)
        arrival.late_s = both_there - arrival.due
        return arrival

    def end(self, arrival: Arrival) -> None:
        """The calling user is done with its arrival."""
        try:
            self.in_flight.remove(arrival)
        except KeyError:
            return
        if arrival.failed:
            self.failed += 1
        else:
            self.finished += 1

    def begin(self, t0: float) -> None:
        """Hand out arrivals from a time on (time.perf_counter), until `close` or an overflow."""
        self.t0 = t0
        call = self._begin_all if self.source is None else self._tick
        self._call_after(max(t0 - perf_counter(), 0.0), call)

    def close(self, until: float) -> None:
        """No more arrivals than were due up to a time; those that are due are scheduled to the last one."""
        if self.source is not None and not self.is_over:
            while (due := self.t0 + self.source.due_s) <= until:
                self.scheduled += 1
                self._lines[self._draw_class()].backlog.append(Arrival(due, self.source.number))
                self.source.advance()
            self._hub.loop.run_callback(self._serve_backlog)
        self._end()

    def _end(self) -> None:
        self.is_over = True
        if self._timer is not None:
            self._timer.close()
            self._timer = None

    def _call_after(self, seconds: float, call: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.close()
        self._timer = self._hub.loop.timer(seconds)
        self._timer.start(call, update=True)

    # These run in the event loop.

    def _begin_all(self) -> None:
        """The closed model's beginning: every user that waits has its first arrival."""
        for line in self._lines.values():
            for _ in range(len(line.free)):
                self.scheduled += 1
                line.hand(Arrival(perf_counter()))

    def _tick(self) -> None:
        """Hand out what is due, and come again when the next is."""
        source = self.source
        assert source is not None
        now = perf_counter()
        in_a_row = 0
        while (due := self.t0 + source.due_s) <= now and in_a_row < TAKEN_IN_A_ROW:
            arrival = Arrival(due, source.number)
            source.advance()
            self.scheduled += 1
            self._lines[self._draw_class()].hand(arrival)
            in_a_row += 1
        if self.backlog > self.max_backlog:
            self.overflow = f"more than {self.max_backlog} arrivals were waiting for a free user"
            self._end()
        elif not self.is_over:
            left_s = max(due, now + SHORTEST_SLEEP_S) - perf_counter()
            self._call_after(min(max(left_s, 0.0), LONGEST_SLEEP_S), self._tick)

    def _serve_backlog(self) -> None:
        for line in self._lines.values():
            line.serve()

    def _draw_class(self) -> str:
        if len(self._names) == 1:
            return self._names[0]
        drawn = self._random.random() * self._bounds[-1]
        return self._names[next(i for i, bound in enumerate(self._bounds) if drawn <= bound)]

    @property
    def is_drained(self) -> bool:
        """Whether every arrival handed out has ended."""
        return self.finished + self.failed == self.scheduled

    def waiting(self) -> list[Arrival]:
        """Arrivals that never began."""
        return [arrival for line in self._lines.values() for arrival in line.backlog]

    def flow(self, second: int, generator: str, users: int, requests: int) -> Flow:
        """What happened since the last call."""
        told, self._told = self._told, (self.scheduled, self.started, self.finished, self.failed)
        lags_us, self._wake_lags_us = self._wake_lags_us, []
        return Flow(
            second,
            generator,
            scheduled=self.scheduled - told[0],
            started=self.started - told[1],
            finished=self.finished - told[2],
            failed=self.failed - told[3],
            requests=requests,
            in_flight=len(self.in_flight),
            backlog=self.backlog,
            users=users,
            wake_lag=Histogram.from_values_us(lags_us),
        )

    def account(self) -> Account:
        """What became of every arrival, should the run end now; each figure is counted on its own."""
        return Account(self.scheduled, self.finished, self.failed, len(self.in_flight), len(self.waiting()))
