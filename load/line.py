"""Where arrivals and users of one class meet: whichever comes first waits for the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from time import perf_counter

from gevent import get_hub, getcurrent

from load.recorder import Arrival


class _Place:
    """A free user's greenlet, waiting for an arrival since a moment."""

    __slots__ = ("give", "since")

    def __init__(self) -> None:
        self.since = perf_counter()
        self.give: Callable[[Arrival], object] = getcurrent().switch
        """Returns once the user waits for something again."""


class Line:
    """The users of one class that are free, and the arrivals for it that found none free."""

    __slots__ = ("backlog", "free")

    def __init__(self) -> None:
        self.free: deque[_Place] = deque()
        self.backlog: deque[Arrival] = deque()

    def wait(self) -> tuple[Arrival, float]:
        """The calling user's next arrival, and from when both of them were there."""
        place = _Place()
        self.free.append(place)
        try:
            arrival: Arrival = get_hub().switch()
        except BaseException:
            self.free.remove(place)
            raise
        return arrival, max(arrival.due, place.since)

    def hand(self, arrival: Arrival) -> None:
        """To the user that is free for longest, else into the backlog. From the event loop only."""
        if self.free:
            self.free.popleft().give(arrival)
        else:
            self.backlog.append(arrival)

    def serve(self) -> None:
        """Give the backlog to users that are free. From the event loop only."""
        while self.free and self.backlog:
            self.free.popleft().give(self.backlog.popleft())
