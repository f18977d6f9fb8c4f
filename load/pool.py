"""One generator's users: enough before load begins, more while few are free, up to a maximum."""

from __future__ import annotations

import math
from collections import Counter
from time import perf_counter
from typing import Any

import gevent

from load.dispatch import Dispatcher
from load.iterations import settle_greenlet

RESERVE_S = 0.25
"""Free users are kept for this much of the arrivals to come ..."""
RESERVE_OF_MANY_S = 0.002
"""... and for less of them where they are many: each user has a connection of its own and memory that
falls out of the processor's caches, and some dozens are reserve enough until more have come."""
FEW = 60
FEWEST_FREE = 10
SPARE = 4
"""With more free users than so many reserves the rest end: after an overload each would hold on to a
connection that the system has to keep open."""
AT_ONCE = 20
"""So many users at most are in their on_start together: signing in is not to be a load test of its own."""
BATCHES = 4
"""Users that have nothing to do in their on_start are there at once, so that this many batches may follow."""
LONGEST_S = 0.01
"""No batch begins after this long: a generator that is short of CPU must not spend it on new users."""
DEATHS_ALLOWED = 100


class Pool:
    """Spawns users through Locust's runner and keeps the mix of user classes by weight."""

    def __init__(
        self, runner: Any, dispatcher: Dispatcher, weights: dict[str, float], max_users: int
    ) -> None:
        self._runner = runner
        self._dispatcher = dispatcher
        self._weights = weights
        self._max_users = max_users
        self._spawned = dict.fromkeys(weights, 0)
        self._lacks: Counter[str] = Counter()
        """Users that a class has too few of, whatever the others have."""
        self._starting: list[Any] = []
        self.wanted = 0
        self.deaths = 0

    @property
    def users(self) -> int:
        """Users that are alive."""
        return len(self._runner.user_greenlets)

    @property
    def is_settled(self) -> bool:
        """Whether the wanted users are there and through their on_start."""
        return self.users >= self.wanted and not self.is_starting

    @property
    def is_starting(self) -> bool:
        """Whether a user is in its on_start."""
        return self._count_starting() > 0

    def reserve(self, rate_per_s: float) -> None:
        """Want as many as are busy now, and for the arrivals to come a reserve, of each class its share.

        By class, as an arrival is for one of them: a rare class must not be without a user while others wait.
        """
        self._count_starting()
        starting = Counter(type(user).__name__ for user in self._starting)
        reserve = max(FEWEST_FREE, min(rate_per_s * RESERVE_S, FEW + rate_per_s * RESERVE_OF_MANY_S))
        per_weight = reserve / sum(self._weights.values())
        for name, weight in self._weights.items():
            backlog, free = self._dispatcher.line_of(name)
            ready = free + starting[name]
            self._lacks[name] = max(backlog + math.ceil(per_weight * weight) - ready, 0)
        wanted = max(self.wanted, self.users + self._lacks.total())
        if not self._lacks.total():
            wanted = min(wanted, self.users - self._dispatcher.free + math.ceil(SPARE * reserve))
        self.want(wanted)

    def want(self, users: int) -> None:
        """Aim at a number of users, within the maximum; fewer than now end as they come free."""
        wanted = min(users, self._max_users)
        if wanted < self.wanted:
            self._dispatcher.retiring += max(self.users - wanted - self._dispatcher.retiring, 0)
        self.wanted = wanted

    def tend(self) -> None:
        """Spawn what is missing, as many as may start at once; to be called many times a second."""
        begun_s = perf_counter()
        for _ in range(BATCHES):
            room = AT_ONCE - self._count_starting()
            missing = min(self.wanted - self.users + self._dispatcher.retiring, room)
            if missing <= 0 or perf_counter() - begun_s > LONGEST_S:
                return
            self._spawn(missing)
            gevent.sleep(0)

    def _spawn(self, count: int) -> None:
        # By class together: Locust counts all of its users over whenever it is asked for some.
        asked: Counter[str] = Counter()
        for _ in range(count):
            name = self._most_wanted()
            self._spawned[name] += 1
            self._lacks[name] -= 1
            asked[name] += 1
        for user in self._runner.spawn_users(asked):
            greenlet = user._greenlet
            settle_greenlet(greenlet)
            greenlet.link(self._on_end)
            self._starting.append(user)

    def _on_end(self, greenlet: Any) -> None:
        if not self._dispatcher.is_over:
            self.deaths += 1

    @property
    def is_hopeless(self) -> bool:
        """Whether users end faster than they do any work."""
        deaths = self.deaths - self._dispatcher.retired
        return deaths > DEATHS_ALLOWED and deaths > self._dispatcher.started

    def _count_starting(self) -> int:
        self._starting = [user for user in self._starting if not user.has_begun and _is_alive(user)]
        return len(self._starting)

    def _most_wanted(self) -> str:
        """The class that lacks most users, else the one that is furthest behind its share."""
        name, lacks = max(self._lacks.items(), key=lambda each: each[1], default=("", 0))
        if lacks > 0:
            return name
        return max(self._weights, key=lambda name: self._weights[name] / (self._spawned[name] + 1))

    def settle(self, within_s: float) -> None:
        """Wait until the wanted users are there, at most for a time."""
        with gevent.Timeout(within_s, False):
            while not self.is_settled and not (self.deaths > self.wanted and self.users == 0):
                self.tend()
                gevent.sleep(0.02)


def _is_alive(user: Any) -> bool:
    return user._greenlet is not None and not user._greenlet.dead
