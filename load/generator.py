"""One generator: its users, its arrivals and its recorder, from ready to the last frame."""

from __future__ import annotations

import gc
import math
import time
from dataclasses import asdict
from typing import Any, Final

import gevent
from gevent.event import Event
from locust.env import Environment
from locust.runners import STATE_RUNNING

from load import recorder
from load.config import Config
from load.dispatch import Dispatcher
from load.health import Health
from load.http_client import browser_cache
from load.iterations import adopt
from load.pool import Pool
from load.recorder import Recorder
from load.twin import source_of
from load.uplink import Frame, Uplink

SETTLE_WITHIN_S: Final = 30.0
TICK_S: Final = 0.05
"""How often the pool is tended and what was recorded is added up."""


class Generator:
    """Steers this process's users: they settle, ready, go, a frame a second, grace, account, done."""

    def __init__(
        self, environment: Environment, config: Config, uplink: Uplink, name: str, index: int
    ) -> None:
        self.environment = environment
        self.config = config
        self.uplink = uplink
        self.name = name
        self.index = index
        self.recorder = recorder.active = Recorder(name)
        self.first_problem = ""
        weights = {each.__name__: float(each.weight) for each in environment.user_classes}
        backlog = math.ceil(config.max_backlog / config.processes)
        self.dispatcher = Dispatcher(source_of(config, index), weights, backlog, config.seed)
        users = math.ceil(config.max_users / config.processes)
        self.pool = Pool(environment.runner, self.dispatcher, weights, users)
        for user_class in environment.user_classes:
            adopt(user_class, self.dispatcher)
        self._t0 = 0.0
        self._t0_monotonic = 0.0
        self._requests_told = 0
        self._share = (index, config.processes)
        self._go, self._stop = Event(), Event()
        uplink.listen(self.hear)

    def hear(self, frame: Frame) -> None:
        """Act on a control frame."""
        source = self.dispatcher.source
        if frame["t"] == "go":
            self._t0_monotonic = frame["t0_monotonic"]
            self._go.set()
        elif frame["t"] == "rate" and source is not None:
            source.steer(frame["rate_per_s"], frame["at_s"])
        elif frame["t"] == "share":
            self._share = (frame["index"], frame["of"])
            if source is not None:
                source.take_share(frame["index"], frame["of"], frame["at_s"])
        elif frame["t"] == "stop":
            self._stop.set()
            self._go.set()

    def live(self) -> None:
        """The generator's whole life; returns when its last frame is sent."""
        health = Health()
        self._settle()
        # Collecting all that was imported takes 60 ms, which would be felt as lag once load runs.
        gc.collect()
        gc.freeze()
        self.uplink.send({"t": "ready", "generators": [self.name], "users": self.pool.users})
        self._go.wait()
        # time.monotonic and time.perf_counter may count from different beginnings.
        self._t0 = (self._t0_monotonic or time.monotonic()) + (time.perf_counter() - time.monotonic())
        self.recorder.t0 = self._t0
        self.dispatcher.begin(self._t0)
        self._measure(health)
        self._wait_out(health)
        self._last_words(health)

    def _settle(self) -> None:
        """Have the first users through their on_start. Locust spawns its own first user before ours."""
        with gevent.Timeout(SETTLE_WITHIN_S, False):
            while self.environment.runner is None or self.environment.runner.state != STATE_RUNNING:
                gevent.sleep(0.02)
        self._aim(0.0)
        self.pool.settle(SETTLE_WITHIN_S)
        if self.pool.wanted and not self.pool.users:
            self._abort(f"no user could start: {self.first_problem or 'none was ready in time'}")

    def _aim(self, at_s: float) -> None:
        """How many users there are to be at a time of the run."""
        source = self.dispatcher.source
        if source is not None:
            ahead = source.rate.rate_at(max(at_s, 0.0)) if self.config.hold else self.config.plan.peak
            self.pool.reserve(ahead / self._share[1])
        else:
            plan = self.config.plan
            users = round(plan.rate_at(min(max(at_s, 0.0), plan.duration_s - 1e-6)))
            index, of = self._share
            self.pool.want(users * (index + 1) // of - users * index // of)

    def _measure(self, health: Health) -> None:
        """A second's figures each second, until the plan's end, a stop, or too long a line."""
        end = math.inf if self.config.hold else self._t0 + self.config.plan.duration_s
        second = 0
        while not self._stop.is_set() and time.perf_counter() < end - 1e-4:
            until = min(self._t0 + second + 1, end)
            while (left := until - time.perf_counter()) > 1e-4 and not self._stop.is_set():
                self._stop.wait(min(left, TICK_S))
                self._tick()
            self._tell(second, health)
            second += 1
        # A stop leaves out what is not due yet, the plan's end takes in all that was planned.
        if not self.dispatcher.overflow:
            self.dispatcher.close(min(time.perf_counter(), end))

    def _tick(self) -> None:
        self.recorder.fold()
        if not self.dispatcher.is_over:
            self._aim(time.perf_counter() - self._t0)
            self.pool.tend()
        if self.dispatcher.overflow and not self._stop.is_set():
            self._abort(self.dispatcher.overflow)
        elif self.pool.is_hopeless and not self._stop.is_set():
            self._abort(f"users keep ending: {self.first_problem or 'their tasks stop them'}")

    def _wait_out(self, health: Health) -> None:
        """Wait for what is under way or in line, users' own beginnings included, up to the grace time."""
        now = time.perf_counter()
        deadline, told = now + self.config.grace_s, now
        while (self.pool.is_starting or not self.dispatcher.is_drained) and now < deadline:
            if self.dispatcher.overflow and not self.dispatcher.in_flight:
                return
            gevent.sleep(0.01)
            self.recorder.fold()
            now = time.perf_counter()
            if now - told >= 1:
                told = now
                self._tell(int(now - self._t0), health)

    def _tell(self, second: int, health: Health) -> None:
        for piece in self.recorder.flush():
            self.uplink.send(piece.to_frame())
            gevent.sleep(0)
        requests = self.recorder.requests - self._requests_told
        self._requests_told = self.recorder.requests
        flow = self.dispatcher.flow(second, self.name, self.pool.users, requests)
        self.uplink.send(flow.to_frame())
        figures = health.figures()
        if flow.wake_lag.count:
            figures["wake_lag_p99_us"] = flow.wake_lag.quantile_us(0.99)
        figures["own_faults"] = self.recorder.own_faults
        counts = browser_cache.everyone.figures()
        if any(counts.values()):
            figures["counters"] = counts
        self.uplink.send({"t": "health", "generator": self.name, "second": second, **figures})

    def _last_words(self, health: Health) -> None:
        """Close what is still open, in one go: nothing can end between its count and its record."""
        now = time.perf_counter()
        account = self.dispatcher.account()
        cut_off, waiting = list(self.dispatcher.in_flight), self.dispatcher.waiting()
        self.dispatcher.in_flight.clear()
        last = self.recorder.flush()
        last += self.recorder.unfinished(cut_off, now) + self.recorder.never_started(waiting, now)
        recorder.active = None
        for piece in last:
            self.uplink.send(piece.to_frame())
        self._tell(max(int(now - self._t0), 0), health)
        health.close()
        self.uplink.send({"t": "account", "generator": self.name, **asdict(account)})
        self.uplink.send({"t": "done", "generator": self.name})

    def _abort(self, reason: str) -> None:
        at_s = max(time.perf_counter() - self._t0, 0.0) if self._t0 else 0.0
        self.uplink.send({"t": "event", "kind": "aborted", "text": reason, "at_s": at_s})
        self._stop.set()
        self._go.set()


def describe(problem: BaseException) -> str:
    """One line for an exception, as errors are grouped and shown."""
    return f"{type(problem).__name__}: {problem}"


def tell_problem(generator: Generator, problem: BaseException) -> None:
    """Say the first exception that a user's code raised, once a run: the rest are counted."""
    if not generator.first_problem:
        generator.first_problem = describe(problem)
        at_s: Any = max(time.perf_counter() - generator.recorder.t0, 0.0)
        generator.uplink.send(
            {"t": "event", "kind": "task-error", "text": generator.first_problem, "at_s": at_s}
        )
