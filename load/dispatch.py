"""Arrivals meet users: each due arrival goes to a free user, or waits in line until one comes free.

Arrivals are handed out by one greenlet rather than by each user's own timer, so that the line, the wake-up
lag and the account are kept in one place, and one timer serves all arrivals that are due together.
"""

from __future__ import annotations

import math
import time
from collections import deque
from typing import Protocol

import gevent
from gevent.hub import Waiter, get_hub

from load.recorder import Arrival
from results import Account, Flow, Histogram, bucket_of

LONGEST_SLEEP_S = 0.05
"""The clock looks up at least this often, so that a new rate takes effect at once."""


class Source(Protocol):
    """Where intended start times come from, in seconds since load began; inf when there are none."""

    is_steerable: bool

    def next_s(self) -> float:
        """The next one."""

    def steer(self, rate_per_s: float, at_s: float) -> None:
        """Change the rate from a time on."""


class Dispatcher:
    """One generator's users, its line of arrivals that found none free, and the account of them all."""

    def __init__(self, source: Source | None, max_backlog: int) -> None:
        """`source` is None for the closed model, in which each user begins anew when it likes."""
        self.source = source
        self.max_backlog = max_backlog
        self.t0 = math.inf
        self.idle: deque[Waiter] = deque()
        self.backlog: deque[Arrival] = deque()
        self.in_flight: set[Arrival] = set()
        self.scheduled = self.started = self.finished = self.failed = 0
        self.is_over = False
        self.overflow = ""
        self._wake_lag = Histogram()
        self._told = (0, 0, 0, 0)
        self._is_steered = False

    def take(self) -> Arrival:
        """The calling user's next arrival; waits until there is one."""
        if self.backlog:
            arrival = self.backlog.popleft()
        elif self.source is None and self.t0 != math.inf and not self.is_over:
            arrival = Arrival(time.perf_counter())
            self.scheduled += 1
        else:
            arrival = self._wait_in_line()
        self.started += 1
        self.in_flight.add(arrival)
        return arrival

    def _wait_in_line(self) -> Arrival:
        waiter = Waiter()
        self.idle.append(waiter)
        try:
            arrival: Arrival = waiter.get()
        except BaseException:
            if waiter in self.idle:
                self.idle.remove(waiter)
            raise
        # A free user was there: how late it woke up is the generator's doing, not the system's.
        now = time.perf_counter()
        self._wake_lag.counts[bucket_of(int((now - arrival.due) * 1e6))] += 1
        arrival.due = now
        arrival.is_late = False
        return arrival

    def end(self, arrival: Arrival) -> None:
        """The calling user is done with its arrival."""
        if arrival in self.in_flight:
            self.in_flight.discard(arrival)
            if arrival.failed:
                self.failed += 1
            else:
                self.finished += 1

    def steer(self, rate_per_s: float, at_s: float) -> None:
        """Change the rate of a steered source."""
        if self.source is not None:
            self.source.steer(rate_per_s, at_s)
            self._is_steered = True

    def run(self, t0: float) -> None:
        """Hand out arrivals from a time on, on time.perf_counter, until the source has no more or `is_over`."""
        self.t0 = t0
        if self.source is None:
            gevent.sleep(max(t0 - time.perf_counter(), 0))
            for _ in range(len(self.idle)):
                self._hand(Arrival(time.perf_counter()))
            return
        due = t0 + self.source.next_s()
        while not self.is_over:
            if self._is_steered:
                self._is_steered = False
                due = t0 + self.source.next_s()
            now = time.perf_counter()
            if due > now:
                if due == math.inf and not self.source.is_steerable:
                    return
                gevent.sleep(min(due - now, LONGEST_SLEEP_S))
                continue
            while due <= now:
                self._hand(Arrival(due))
                due = t0 + self.source.next_s()
            if len(self.backlog) > self.max_backlog:
                self.overflow = f"more than {self.max_backlog} arrivals were waiting for a free user"
                self.is_over = True

    def _hand(self, arrival: Arrival) -> None:
        self.scheduled += 1
        if self.idle:
            get_hub().loop.run_callback(self.idle.popleft().switch, arrival)
        else:
            self.backlog.append(arrival)

    @property
    def is_drained(self) -> bool:
        """Whether every arrival handed out has ended."""
        return not self.in_flight and not self.backlog and self.started == self.scheduled

    def flow(self, second: int, generator: str, users: int, requests: int) -> Flow:
        """What happened since the last call."""
        total = (self.scheduled, self.started, self.finished, self.failed)
        grown = [now - before for now, before in zip(total, self._told, strict=True)]
        self._told = total
        lag, self._wake_lag = self._wake_lag, Histogram()
        return Flow(second, generator, *grown, requests, len(self.in_flight), len(self.backlog), users, lag)

    def account(self) -> Account:
        """What became of every arrival, should the run end now."""
        in_flight = len(self.in_flight)
        return Account(self.scheduled, self.finished, self.failed, in_flight, self.scheduled - self.started)
