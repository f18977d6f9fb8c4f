"""One generator: its users, its arrivals and its recorder, from ready to the last frame."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass, field
from typing import Any

import gevent
from gevent.event import Event
from locust.env import Environment

from load import recorder
from load.arrivals import Arrivals, SteeredArrivals
from load.dispatch import Dispatcher
from load.health import Health
from load.recorder import Recorder
from load.uplink import Frame, Uplink
from results import Stages

USERS_PER_RATE_S = 0.25
FEWEST_USERS = 20
SETTLE_WITHIN_S = 30.0


@dataclass(frozen=True)
class Config:
    """What a load process was told, in the environment variable HARNESS_LOAD."""

    stages: str
    arrivals: Any = "poisson"
    seed: int = 1
    max_users: int = 2000
    max_backlog: int = 20_000
    grace_s: float = 10.0
    hold: bool = False
    processes: int = 1
    locust_stats: bool = False
    target: dict[str, Any] = field(default_factory=dict)

    @property
    def plan(self) -> Stages:
        """The stages, parsed."""
        return Stages.parse(self.stages)


def users_for(plan: Stages, at_s: float, max_users: int) -> int:
    """How many users to start with: as asked in the closed model, enough for a quarter second's arrivals in the open."""
    if not plan.open:
        return math.ceil(plan.rate_at(min(max(at_s, 0.0), plan.duration_s - 1e-6)))
    return min(max(FEWEST_USERS, math.ceil(plan.peak * USERS_PER_RATE_S)), max_users)


class Generator:
    """Steers this process's users. Its life: users settle, ready, go, a frame a second, grace, account, done."""

    def __init__(
        self, environment: Environment, config: Config, uplink: Uplink, name: str, index: int
    ) -> None:
        self.environment = environment
        self.config = config
        self.uplink = uplink
        self.name = name
        self.recorder = recorder.active = Recorder(name)
        share: dict[str, Any] = {"seed": config.seed, "index": index, "generators": config.processes}
        source = None
        if config.hold:
            source = SteeredArrivals(config.arrivals, **share)
        elif config.plan.open:
            source = Arrivals(config.plan, config.arrivals, **share)
        self.dispatcher = Dispatcher(source, config.max_backlog)
        self.first_problem = ""
        self._health = Health()
        self._go = Event()
        self._stop = Event()
        self._t0_monotonic = 0.0
        self._requests_told = 0
        uplink.listen(self.hear)

    def hear(self, frame: Frame) -> None:
        """Act on a control frame."""
        if frame["t"] == "go":
            self._t0_monotonic = frame["t0_monotonic"]
            self._go.set()
        elif frame["t"] == "rate":
            self.dispatcher.steer(frame["rate_per_s"], frame["at_s"])
        elif frame["t"] == "stop":
            self._go.set()
            self._stop.set()

    def live(self) -> None:
        """The generator's whole life; returns when its last frame is sent."""
        self._settle()
        self.uplink.send({"t": "ready", "generators": [self.name], "users": len(self.dispatcher.idle)})
        self._go.wait()
        # time.monotonic and time.perf_counter may count from different beginnings.
        t0 = self._t0_monotonic + (time.perf_counter() - time.monotonic())
        if not self._stop.is_set():
            self.recorder.t0 = t0
            clock = gevent.spawn(self.dispatcher.run, t0)
            self._measure(t0)
            self.dispatcher.is_over = True
            clock.join(timeout=1)
            self._grace(t0)
        self._last_words(t0)

    def _settle(self) -> None:
        """Wait until every user that was started is through its on_start, or has failed in it."""
        deadline = time.perf_counter() + SETTLE_WITHIN_S
        while time.perf_counter() < deadline:
            users = self._users
            if users and len(self.dispatcher.idle) >= users:
                return
            if self.first_problem and not users:
                break
            gevent.sleep(0.05)
        if not self.dispatcher.idle:
            self._say("aborted", f"no user could start: {self.first_problem or 'none was ready in time'}")

    @property
    def _users(self) -> int:
        return int(self.environment.runner.user_count) if self.environment.runner else 0

    def _measure(self, t0: float) -> None:
        """Send a second's figures each second until the plan's end, a stop, or too long a line."""
        end = math.inf if self.config.hold else t0 + self.config.plan.duration_s
        second = 0
        while not self._stop.is_set():
            until = min(t0 + second + 1, end)
            self._stop.wait(max(until - time.perf_counter(), 0))
            self._tell(second)
            second += 1
            if self.dispatcher.overflow:
                self._say("aborted", self.dispatcher.overflow)
                return
            if time.perf_counter() >= end - 1e-3:
                return

    def _grace(self, t0: float) -> None:
        """Wait for what is under way, up to the grace time."""
        deadline = time.perf_counter() + self.config.grace_s
        told = time.perf_counter()
        while not self.dispatcher.is_drained and time.perf_counter() < deadline:
            gevent.sleep(0.02)
            if time.perf_counter() - told >= 1:
                told = time.perf_counter()
                self._tell(int(told - t0))

    def _tell(self, second: int) -> None:
        for piece in self.recorder.flush():
            self.uplink.send(piece.to_frame())
        requests = self.recorder.requests - self._requests_told
        self._requests_told = self.recorder.requests
        self.uplink.send(self.dispatcher.flow(second, self.name, self._users, requests).to_frame())
        health = self._health.figures()
        self.uplink.send({"t": "health", "generator": self.name, "second": second, **health})

    def _last_words(self, t0: float) -> None:
        now = time.perf_counter()
        cut_off = list(self.dispatcher.in_flight)
        self._tell(max(int(now - t0), 0) if self._go.is_set() else 0)
        for piece in self.recorder.unfinished(cut_off, now):
            self.uplink.send(piece.to_frame())
        account = asdict(self.dispatcher.account())
        recorder.active = None
        self.uplink.send({"t": "account", "generator": self.name, **account})
        self.uplink.send({"t": "done", "generator": self.name})

    def _say(self, kind: str, text: str) -> None:
        at_s = max(time.perf_counter() - self.recorder.t0, 0.0) if self.recorder.t0 != math.inf else 0.0
        self.uplink.send({"t": "event", "kind": kind, "text": text, "at_s": at_s})
        if kind == "aborted":
            self._stop.set()
            self._go.set()
