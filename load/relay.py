"""Locust's master between the generators and the one who steers: passes frames both ways, misses nobody."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import gevent
from locust.env import Environment

from load.uplink import CONTROL, MESSAGE, Frame, SocketUplink

LOST_AFTER_S = 4.0
"""A generator sends at least a frame a second: silent for this long, it is lost."""


class Relay:
    """Collects the generators' frames, in order and once each, and says when all are done or lost."""

    def __init__(
        self, environment: Environment, uplink: SocketUplink, expected: int, grow: Callable[[int], None]
    ) -> None:
        self.environment = environment
        self.uplink = uplink
        self.expected = expected
        self._grow = grow
        self._sequence: dict[str, int] = {}
        self._heard: dict[str, float] = {}
        self._names: dict[str, str] = {}
        self._ready: set[str] = set()
        self._ended: set[str] = set()
        self._busy: dict[str, int] = {}
        self._t0 = 0.0
        environment.runner.register_message(MESSAGE, self._take)
        uplink.listen(self._pass_down)

    def live(self) -> None:
        """Until every generator is done or lost."""
        while len(self._ended) < self.expected:
            gevent.sleep(0.1)
            if self._t0:
                self._look_for_lost()
        self.uplink.send({"t": "done"})

    def _pass_down(self, frame: Frame) -> None:
        if frame["t"] == "go":
            self._t0 = frame["t0_monotonic"]
        self.environment.runner.send_message(CONTROL, frame)

    def _take(self, environment: Environment, msg: Any, **_: Any) -> None:
        node, sequence, frame = msg.node_id, msg.data["sequence"], msg.data["frame"]
        if sequence <= self._sequence.get(node, 0) or node in self._ended:
            return
        if sequence != self._sequence.get(node, 0) + 1:
            missed = sequence - self._sequence.get(node, 0) - 1
            self._say("frames-lost", f"{missed} frames of generator {node} did not arrive")
        self._sequence[node] = sequence
        self._heard[node] = time.monotonic()
        if frame["t"] == "ready":
            self._names[node] = frame["generators"][0]
            self._ready.add(node)
            if len(self._ready) == self.expected:
                self.uplink.send({"t": "ready", "generators": sorted(self._names.values()), "users": 0})
            return
        if frame["t"] == "done":
            self._ended.add(node)
            return
        if frame["t"] == "flow":
            self._busy[node] = frame["in_flight"] + frame["backlog"]
            self._grow(sum(self._busy.values()))
        self.uplink.send(frame)

    def _look_for_lost(self) -> None:
        now = time.monotonic()
        for node, heard in self._heard.items():
            if node not in self._ended and now - max(heard, self._t0) > LOST_AFTER_S:
                self._ended.add(node)
                second = max(heard - self._t0, 0.0)
                reason = f"nothing heard of it since second {second:.0f}"
                self.uplink.send(
                    {"t": "lost", "generator": self._names[node], "second": second, "reason": reason}
                )

    def _say(self, kind: str, text: str) -> None:
        at_s = max(time.monotonic() - self._t0, 0.0) if self._t0 else 0.0
        self.uplink.send({"t": "event", "kind": kind, "text": text, "at_s": at_s})
