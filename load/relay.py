"""Locust's master between the generators and the one who steers: passes frames both ways, misses nobody."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

import gevent
import psutil
from locust.env import Environment

from load.config import Config
from load.joining import ASK, TELL, invitation
from load.twin import Twin
from load.uplink import CONTROL, MESSAGE, Frame, SocketUplink, boot_id, wall_offset_s
from results.units import show_duration

LOST_AFTER_S: Final = 4.0
"""A generator sends at least a frame a second: silent for this long, it is lost."""
LOOK_EVERY_S: Final = 0.1
TAKE_OVER_AFTER_S: Final = 0.2
"""Time for the others to hear that they carry a lost generator's share."""


@dataclass
class Node:
    """What the master knows of one generator."""

    name: str = ""
    sequence: int = 0
    heard: float = 0.0
    pid: int | None = None
    clock_ahead_s: float = 0.0
    """Its time.monotonic less ours, for another machine."""
    users: int = 0
    is_ready: bool = False
    has_ended: bool = False
    twin: Twin | None = None


class Relay:
    """Collects the generators' frames, in order and once each, and says when all are done or lost."""

    def __init__(self, environment: Environment, uplink: SocketUplink, config: Config) -> None:
        runner: Any = environment.runner
        self.runner = runner
        self.uplink = uplink
        self.config = config
        self.nodes: dict[str, Node] = {}
        self._t0 = 0.0
        self._is_over = False
        self._places: dict[str, int] = {}
        self._came = 0
        self.runner.get_worker_index = self._place_of
        self.runner.register_message(MESSAGE, self._take)
        self.runner.register_message(ASK, self._tell_configuration)
        uplink.listen(self._pass_down)

    def live(self) -> None:
        """Until every generator is done or lost, or is no longer waited for."""
        while not self._is_done():
            gevent.sleep(LOOK_EVERY_S)
            self._look_for_lost()
            self._say_who_came()
        self.uplink.send({"t": "done"})

    def _is_done(self) -> bool:
        ended = sum(node.has_ended for node in self.nodes.values())
        return ended >= self.config.processes or (self._is_over and ended == len(self.nodes))

    def _tell_configuration(self, environment: Environment, msg: Any, **_: Any) -> None:
        told = invitation(os.environ["HARNESS_LOAD"], self.config.scenario)
        self.runner.send_message(TELL, told, msg.node_id)

    def _here(self) -> set[str]:
        """The workers that are connected."""
        clients = self.runner.clients
        return {one.id for one in (*clients.ready, *clients.spawning, *clients.running)}

    def _place_of(self, client_id: str) -> int:
        """A worker's place among the generators. Locust would give none twice: who left before the first
        arrival may be replaced."""
        if not self._t0:
            here = self._here() | {client_id}
            self._places = {name: place for name, place in self._places.items() if name in here}
        if client_id not in self._places:
            taken = set(self._places.values())
            self._places[client_id] = next(place for place in count() if place not in taken)
        return self._places[client_id]

    def _say_who_came(self) -> None:
        came = self._came if self._t0 else len(self._here())
        if came != self._came:
            self._came = came
            self.uplink.send({"t": "workers", "came": came, "of": self.config.processes})

    def _pass_down(self, frame: Frame) -> None:
        if frame["t"] == "go":
            self._t0 = frame["t0_monotonic"]
            # Locust would hand out users anew when a worker is gone for a minute: here each keeps its own.
            self.runner.start = lambda *_, **__: None
        elif frame["t"] == "stop":
            self._is_over = True
        for client_id, node in self.nodes.items():
            if not node.has_ended:
                self._tell(client_id, node, frame)

    def _tell(self, client_id: str, node: Node, frame: Frame) -> None:
        if frame["t"] == "go":
            frame = {**frame, "t0_monotonic": frame["t0_monotonic"] + node.clock_ahead_s}
        elif frame["t"] == "rate" and node.twin is not None:
            node.twin.steer(frame["rate_per_s"], frame["at_s"])
        self.runner.send_message(CONTROL, frame, client_id)

    def _take(self, environment: Environment, msg: Any, **_: Any) -> None:
        node = self.nodes.setdefault(msg.node_id, Node())
        sequence, frame = msg.data["sequence"], msg.data["frame"]
        if sequence <= node.sequence or node.has_ended:
            return
        if sequence != node.sequence + 1:
            missed = sequence - node.sequence - 1
            self._say("frames-lost", f"{missed} frames of generator {node.name} did not arrive")
        node.sequence, node.heard = sequence, time.monotonic()
        if frame["t"] == "ready":
            self._take_ready(node, frame)
        elif frame["t"] == "done":
            node.has_ended = True
        else:
            if frame["t"] == "flow" and node.twin is not None:
                node.twin.take(frame)
            elif frame["t"] == "event" and frame["kind"] == "aborted":
                self._pass_down({"t": "stop"})
            self.uplink.send(frame)

    def _take_ready(self, node: Node, frame: Frame) -> None:
        node.name, node.users, node.is_ready = frame["generators"][0], frame["users"], True
        node.twin = Twin(self.config, int(node.name[1:]))
        if frame["boot"] == boot_id():
            node.pid = frame["pid"]
        else:
            node.clock_ahead_s = wall_offset_s() - frame["wall_offset_s"]
        ready = [each for each in self.nodes.values() if each.is_ready]
        if len(ready) == self.config.processes:
            names = sorted(each.name for each in ready)
            self.uplink.send({"t": "ready", "generators": names, "users": sum(each.users for each in ready)})

    def _look_for_lost(self) -> None:
        now = time.monotonic()
        for client_id, node in self.nodes.items():
            if node.has_ended or not node.is_ready:
                continue
            if node.pid is not None and not is_running(node.pid):
                self._lose(client_id, node, f"its process {node.pid} ended")
            elif self._t0 and now - max(node.heard, self._t0) > LOST_AFTER_S:
                self._lose(client_id, node, f"nothing was heard of it for {LOST_AFTER_S:.0f} s")

    def _lose(self, client_id: str, node: Node, reason: str) -> None:
        """Name the lost generator, account for its arrivals, and let the others carry its share."""
        node.has_ended = True
        self._tell(client_id, node, {"t": "stop"})
        at_s = max(time.monotonic() - self._t0, 0.0) if self._t0 else 0.0
        self.uplink.send({"t": "lost", "generator": node.name, "second": int(at_s), "reason": reason})
        others = {name: each for name, each in self.nodes.items() if each.is_ready and not each.has_ended}
        take_over_s = at_s + TAKE_OVER_AFTER_S
        if node.twin is not None:
            account = node.twin.account_of_lost(at_s, take_over_s)
            self.uplink.send({"t": "account", "generator": node.name, **account})
        if others:
            names = [other.name for other in others.values()]
            self.uplink.send({"t": "shares", "generators": names, "at_s": take_over_s})
        for index, (name, other) in enumerate(others.items()):
            frame = {"t": "share", "index": index, "of": len(others), "at_s": take_over_s}
            if other.twin is not None:
                other.twin.take_share(index, len(others), take_over_s)
            self._tell(name, other, frame)
        if not others:
            self._say("aborted", f"the last generator was lost at {show_duration(int(at_s))}: {reason}")

    def _say(self, kind: str, text: str) -> None:
        at_s = max(time.monotonic() - self._t0, 0.0) if self._t0 else 0.0
        self.uplink.send({"t": "event", "kind": kind, "text": text, "at_s": at_s})


def is_running(pid: int) -> bool:
    """Whether a process of this machine is there and not merely waiting to be collected."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
