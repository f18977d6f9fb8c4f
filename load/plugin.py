"""A Locust plugin, loaded beside a scenario: `locust -f load/plugin.py,scenarios/web/browse.py`.

It puts the harness's arrivals under the scenario's users as their wait_time, takes every request, and leaves
the scenario itself as it is. What it is to do stands in the environment variable HARNESS_LOAD.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

import gevent
from gevent import getcurrent
from locust import LoadTestShape, events
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner
from locust.user.task import LOCUST_STATE_WAITING

from load import recorder
from load.generator import Config, Generator, users_for
from load.relay import Relay
from load.uplink import SocketUplink, WorkerUplink

SPAWN_PER_S = 500
_config = Config(**json.loads(os.environ["HARNESS_LOAD"]))
_wanted = {"users": 0}
_relay: list[Relay] = []
_generator: list[Generator] = []


class HarnessShape(LoadTestShape):
    """How many users Locust keeps: the pool grows while arrivals find no free user, up to its maximum."""

    def tick(self) -> tuple[int, float] | None:
        """Locust asks once a second."""
        plan = _config.plan
        began = _generator[0].recorder.t0 if _generator else float("inf")
        at_s = time.perf_counter() - began if began != float("inf") else 0.0
        if plan.open or not _wanted["users"]:
            _wanted["users"] = max(_wanted["users"], users_for(plan, at_s, _config.max_users))
        else:
            _wanted["users"] = users_for(plan, at_s, _config.max_users)
        if plan.open and _generator:
            busy = _generator[0].dispatcher
            _grow(len(busy.in_flight) + len(busy.backlog))
        return _wanted["users"], SPAWN_PER_S


def _grow(busy: int) -> None:
    """Half as many users again as there are arrivals under way or in line."""
    _wanted["users"] = min(max(_wanted["users"], int(busy * 1.5)), _config.max_users)


@events.init.add_listener
def begin(environment: Environment, **_: Any) -> None:
    """Locust is up: put the harness under the users, and live in a greenlet of its own."""
    for user_class in environment.user_classes:
        _adopt(user_class)
    if isinstance(environment.runner, MasterRunner):
        relay = Relay(environment, SocketUplink(os.environ["HARNESS_SOCKET"]), _config.processes, _grow)
        _relay.append(relay)
        gevent.spawn(_finish, environment, relay.live)
    else:
        gevent.spawn(_live, environment)


def _live(environment: Environment) -> None:
    runner = environment.runner
    is_worker = isinstance(runner, WorkerRunner)
    while is_worker and runner.worker_index < 0:
        gevent.sleep(0.05)
    index = runner.worker_index if is_worker else 0
    uplink: Any = WorkerUplink(runner) if is_worker else SocketUplink(os.environ["HARNESS_SOCKET"])
    generator = Generator(environment, _config, uplink, f"g{index}", index)
    _generator.append(generator)
    if is_worker:
        generator.live()
    else:
        _finish(environment, generator.live)


def _finish(environment: Environment, live: Any) -> None:
    """Live, then end Locust."""
    try:
        live()
    finally:
        environment.process_exit_code = 0
        if environment.runner:
            environment.runner.quit()


def _adopt(user_class: Any) -> None:
    """Give a user class the harness's arrivals: before its first task, and in place of every wait.

    Locust runs a user's first task straight after on_start, without a wait: so on_start ends with one.
    """
    own_start, own_wait = user_class.on_start, getattr(user_class, "wait_time", None)

    def on_start(user: Any) -> None:
        getcurrent().arrival = None
        own_start(user)
        # Locust may stop a user at once only while it waits.
        user._state = LOCUST_STATE_WAITING
        getcurrent().arrival = _dispatcher().take()
        user._state = "running"

    def wait_time(user: Any) -> float:
        dispatcher = _dispatcher()
        greenlet = getcurrent()
        dispatcher.end(greenlet.arrival)
        greenlet.arrival = None
        if dispatcher.source is None and own_wait is not None:
            gevent.sleep(own_wait(user))
        greenlet.arrival = dispatcher.take()
        return 0

    user_class.on_start = on_start
    user_class.wait_time = wait_time


def _dispatcher() -> Any:
    while not _generator:
        gevent.sleep(0.02)
    return _generator[0].dispatcher


@events.request.add_listener
def take_request(
    request_type: str,
    name: str,
    response_time: float | None,
    response_length: int,
    exception: BaseException | None,
    start_time: float | None = None,
    **_: Any,
) -> None:
    """Requests of Locust's own clients; the harness's clients record by themselves."""
    if recorder.active is None:
        return
    ended = time.perf_counter()
    started = ended - (response_time or 0.0) / 1000
    kind = type(exception).__name__ if exception else ""
    status = getattr(getattr(exception, "response", None), "status_code", None)
    text = str(exception) if exception else ""
    recorder.active.record(
        name, request_type, started, ended, response_length, f"status {status}" if status else kind, text
    )


@events.user_error.add_listener
def take_error(user_instance: Any, exception: BaseException, **_: Any) -> None:
    """A task that raised: its arrival failed, and the first words are kept."""
    arrival = getattr(getcurrent(), "arrival", None)
    if arrival is not None:
        arrival.failed = True
    for generator in _generator:
        text = f"{type(exception).__name__}: {exception}"
        if not generator.first_problem:
            generator.first_problem = text
            generator.uplink.send(
                {
                    "t": "event",
                    "kind": "task-error",
                    "text": text,
                    "at_s": max(time.perf_counter() - generator.recorder.t0, 0.0),
                }
            )
