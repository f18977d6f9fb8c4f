"""Arrivals meet users: each due arrival goes to a free user, or waits in line until one comes free.

Arrivals are handed out by one greenlet rather than by each user's own timer, so that the line, the wake-up
lag and the account are kept in one place, one timer serves all arrivals that are due together, and a new
rate holds at once.
"""

from __future__ import annotations

import math
import random
from collections import deque
from itertools import accumulate
from time import perf_counter

import gevent
from gevent.hub import Waiter, get_hub
from locust.exception import StopUser

from load.arrivals import Source
from load.recorder import Arrival
from results import Account, Flow, Histogram, bucket_of

LONGEST_SLEEP_S = 0.05
"""The clock looks up at least this often, so that a new rate or share takes effect at once."""
TAKEN_IN_A_ROW = 50
"""So many arrivals are taken without a wait before the event loop has its turn: tasks need not do any I/O."""


class _Free:
    """A free user, waiting for an arrival since a moment."""

    __slots__ = ("since", "waiter")

    def __init__(self, since: float) -> None:
        self.since = since
        self.waiter = Waiter()


class _Line:
    """The users of one class that are free, and the arrivals for it that found none free."""

    __slots__ = ("backlog", "free")

    def __init__(self) -> None:
        self.free: deque[_Free] = deque()
        self.backlog: deque[Arrival] = deque()


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
        self.dropped: list[Arrival] = []
        """Handed to a user that ended before it could begin."""
        self.is_over = False
        self.overflow = ""
        self.retiring = 0
        """So many of the next users to come free are to end instead (the closed model's ramp down)."""
        self._lines = {name: _Line() for name in weights}
        self._names = list(weights)
        self._bounds = list(accumulate(weights.values()))
        self._random = random.Random(f"{seed}/classes")
        self._wake_lag = Histogram()
        self._told = (0, 0, 0, 0)
        self._taken_in_a_row = 0

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
            raise StopUser
        self._taken_in_a_row += 1
        if self._taken_in_a_row >= TAKEN_IN_A_ROW:
            self._taken_in_a_row = 0
            gevent.sleep(0)
        if line.backlog:
            arrival = line.backlog.popleft()
            arrival.started = perf_counter()
            arrival.late_s = arrival.started - arrival.due
        elif self.source is None and self.t0 <= perf_counter() and not self.is_over:
            arrival = Arrival(perf_counter())
            self.scheduled += 1
        else:
            arrival = self._wait(line)
        self.started += 1
        self.in_flight.add(arrival)
        return arrival

    def _wait(self, line: _Line) -> Arrival:
        self._taken_in_a_row = 0
        place = _Free(perf_counter())
        line.free.append(place)
        try:
            arrival: Arrival = place.waiter.get()
        except BaseException:
            if place in line.free:
                line.free.remove(place)
            elif place.waiter.ready() and isinstance(place.waiter.value, Arrival):
                self.dropped.append(place.waiter.value)
            raise
        # From when both were there, how late the user woke up is the generator's doing, not the system's.
        arrival.started = perf_counter()
        both_there = max(arrival.due, place.since)
        self._wake_lag.counts[bucket_of(int((arrival.started - both_there) * 1e6))] += 1
        arrival.late_s = both_there - arrival.due
        return arrival

    def end(self, arrival: Arrival) -> None:
        """The calling user is done with its arrival."""
        if arrival in self.in_flight:
            self.in_flight.discard(arrival)
            if arrival.failed:
                self.failed += 1
            else:
                self.finished += 1

    def run(self, t0: float) -> None:
        """Hand out arrivals from a time on (time.perf_counter), until `is_over`."""
        self.t0 = t0
        if self.source is None:
            gevent.sleep(max(t0 - perf_counter(), 0))
            for name, line in self._lines.items():
                for _ in range(len(line.free)):
                    self._hand(Arrival(perf_counter()), name)
            return
        while not self.is_over:
            now = perf_counter()
            while (due := t0 + self.source.due_s) <= now:
                self._hand(Arrival(due, self.source.number), self._draw_class())
                self.source.advance()
            if self.backlog > self.max_backlog:
                self.overflow = f"more than {self.max_backlog} arrivals were waiting for a free user"
                self.is_over = True
                return
            gevent.sleep(min(max(due - perf_counter(), 0), LONGEST_SLEEP_S))

    def close(self, until: float) -> None:
        """No more arrivals than were due up to a time; those that are due are scheduled to the last one."""
        if self.source is not None and not self.is_over:
            while (due := self.t0 + self.source.due_s) <= until:
                self._hand(Arrival(due, self.source.number), self._draw_class())
                self.source.advance()
        self.is_over = True

    def _draw_class(self) -> str:
        if len(self._names) == 1:
            return self._names[0]
        drawn = self._random.random() * self._bounds[-1]
        return self._names[next(i for i, bound in enumerate(self._bounds) if drawn <= bound)]

    def _hand(self, arrival: Arrival, user_class: str) -> None:
        self.scheduled += 1
        line = self._lines[user_class]
        if line.free:
            get_hub().loop.run_callback(line.free.popleft().waiter.switch, arrival)
        else:
            line.backlog.append(arrival)

    @property
    def is_drained(self) -> bool:
        """Whether every arrival handed out has ended."""
        return self.finished + self.failed + len(self.dropped) == self.scheduled

    def waiting(self) -> list[Arrival]:
        """Arrivals that never began."""
        return [arrival for line in self._lines.values() for arrival in line.backlog] + self.dropped

    def flow(self, second: int, generator: str, users: int, requests: int) -> Flow:
        """What happened since the last call."""
        told, self._told = self._told, (self.scheduled, self.started, self.finished, self.failed)
        lag, self._wake_lag = self._wake_lag, Histogram()
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
            wake_lag=lag,
        )

    def account(self) -> Account:
        """What became of every arrival, should the run end now; each figure is counted on its own."""
        return Account(self.scheduled, self.finished, self.failed, len(self.in_flight), len(self.waiting()))
