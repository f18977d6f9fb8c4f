"""Where arrivals and users of one class meet: whichever comes first waits for the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from time import perf_counter

from gevent import get_hub, getcurrent

from load.recorder import Arrival


class Line:
    """The users of one class that are free, and the arrivals for it that found none free."""

    __slots__ = ("backlog", "free")

    def __init__(self) -> None:
        self.free: deque[tuple[Callable[[Arrival], object], float]] = deque()
        """How to give each an arrival, which returns once the user waits for something again, and since when
        it has been free."""
        self.backlog: deque[Arrival] = deque()

    def wait(self) -> tuple[Arrival, float]:
        """The calling user's next arrival, and from when both of them were there."""
        since = perf_counter()
        place = (getcurrent().switch, since)
        self.free.append(place)
        try:
            arrival: Arrival = get_hub().switch()
        except BaseException:
            self.free.remove(place)
            raise
        return arrival, max(arrival.due, since)

    def hand(self, arrival: Arrival) -> None:
        """To the user that is free for longest, else into the backlog. From the event loop only."""
        if self.free:
            self.free.popleft()[0](arrival)
        else:
            self.backlog.append(arrival)

    def serve(self) -> None:
        """Give the backlog to users that are free. From the event loop only."""
        while self.free and self.backlog:
            self.free.popleft()[0](self.backlog.popleft())
