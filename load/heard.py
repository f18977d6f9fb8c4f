"""A generator that has no others beside it, as whoever steers sees it. Imports neither locust nor gevent."""

from __future__ import annotations

import time
from typing import Any

from load.config import Config
from load.twin import Twin
from results.units import show_duration

Frame = dict[str, Any]
NAME = "g0"


class LoneGenerator:
    """Listens to a generator, and says in its place what it no longer can when it is lost."""

    def __init__(self, config: Config, t0_monotonic: float) -> None:
        self.twin = Twin(config, 0)
        self.is_done = False
        self._t0 = t0_monotonic

    def take(self, frames: list[Frame]) -> None:
        """Hear what it says."""
        for frame in frames:
            if frame["t"] == "flow":
                self.twin.take(frame)
            elif frame["t"] == "done":
                self.is_done = True

    def words_when_lost(self, reason: str) -> list[Frame]:
        """Its loss, its account, and the run's end, as load.relay says them of one of several."""
        self.is_done = True
        at_s = max(time.monotonic() - self._t0, 0.0)
        text = f"the only generator was lost at {show_duration(int(at_s))}: {reason}"
        return [
            {"t": "lost", "generator": NAME, "second": int(at_s), "reason": reason},
            {"t": "account", "generator": NAME, **self.twin.account_of_lost(at_s, at_s)},
            {"t": "event", "kind": "aborted", "text": text, "at_s": at_s},
            {"t": "done"},
        ]
