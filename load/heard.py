"""The generators as whoever steers hears them, to say in their place what they no longer can when lost.

Imports neither locust nor gevent.
"""

from __future__ import annotations

import time
from typing import Any

from load.config import Config
from load.twin import Twin
from results.units import show_duration

Frame = dict[str, Any]
NAME = "g0"
"""The only generator of a run that has one."""


class Heard:
    """Listens to a run's generators; accounts for them when the process they speak through is lost."""

    def __init__(self, config: Config, t0_monotonic: float, *, is_master: bool = False) -> None:
        """`is_master`: they speak through Locust's master, and there may be several."""
        self.twins = {f"g{index}": Twin(config, index) for index in range(config.processes)}
        self.is_master = is_master
        self.is_done = False
        self._t0 = t0_monotonic

    def take(self, frames: list[Frame]) -> None:
        """Hear what they say. One that has given its account, or whose account was given, needs no other."""
        for frame in frames:
            if frame["t"] == "flow" and frame["generator"] in self.twins:
                self.twins[frame["generator"]].take(frame)
            elif frame["t"] == "account":
                self.twins.pop(frame["generator"], None)
            elif frame["t"] == "shares":
                for index, name in enumerate(frame["generators"]):
                    if name in self.twins:
                        self.twins[name].take_share(index, len(frame["generators"]), frame["at_s"])
            elif frame["t"] == "done":
                self.is_done = True

    def steer(self, rate_per_s: float, at_s: float) -> None:
        """They are told of another rate."""
        for twin in self.twins.values():
            twin.steer(rate_per_s, at_s)

    def words_when_lost(self, reason: str) -> list[Frame]:
        """The loss, the account of each as it was last heard, and the run's end, as load.relay says them."""
        self.is_done = True
        at_s = max(time.monotonic() - self._t0, 0.0)
        accounts = [
            {"t": "account", "generator": name, **twin.account_of_lost(at_s, at_s)}
            for name, twin in self.twins.items()
        ]
        who = "Locust's master" if self.is_master else "the only generator"
        text = f"{who} was lost at {show_duration(int(at_s))}: {reason}"
        if self.is_master:
            text += f"; the account is as last heard of {len(accounts)} generators"
        lost: list[Frame] = []
        if not self.is_master:
            lost = [{"t": "lost", "generator": NAME, "second": int(at_s), "reason": reason}]
        aborted = {"t": "event", "kind": "aborted", "text": text, "at_s": at_s}
        return [*lost, *accounts, aborted, {"t": "done"}]
