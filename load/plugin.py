"""A Locust plugin, loaded beside a scenario: `locust -f load/plugin.py,scenarios/web/browse.py`.

It puts the harness's arrivals under the scenario's users, takes every request, and leaves the scenario
itself as it is. What it is to do stands in the environment variable HARNESS_LOAD; where to tell of it, in
HARNESS_SOCKET.
"""

from __future__ import annotations

import logging
import os
import time
from typing import Any

import gevent
from locust import events
from locust.env import Environment
from locust.runners import STATE_INIT, MasterRunner, WorkerRunner

from load import recorder
from load.config import Config
from load.failure import kind_of
from load.generator import Generator, tell_problem
from load.heard import NAME
from load.locust_clients import tell_when_requests_begin
from load.relay import Relay
from load.uplink import SocketUplink, WorkerUplink

log = logging.getLogger(__name__)
_generator: list[Generator] = []


def begin(environment: Environment, **_: Any) -> None:
    """Locust is up: put the harness under the users, and live in a greenlet of its own."""
    tell_when_requests_begin()
    if isinstance(environment.runner, WorkerRunner):
        gevent.spawn(_live_as_worker, environment)
        return
    config = Config.from_json(os.environ["HARNESS_LOAD"])
    uplink = SocketUplink(os.environ["HARNESS_SOCKET"])
    if isinstance(environment.runner, MasterRunner):
        gevent.spawn(_live_to_the_end, environment, Relay(environment, uplink, config))
    else:
        _quieten(environment, config)
        generator = Generator(environment, config, uplink, NAME, 0)
        _generator.append(generator)
        gevent.spawn(_live_to_the_end, environment, generator)


def _live_as_worker(environment: Environment) -> None:
    """A worker ends when the master says so: its last frames are through by then."""
    runner: Any = environment.runner
    config = Config.from_json(os.environ["HARNESS_LOAD"])
    while runner.worker_index < 0:
        gevent.sleep(0.05)
    if runner.worker_index >= config.processes:
        log.error("the run has its %d workers already: this one is not needed", config.processes)
        environment.process_exit_code = 1
        runner.quit()
        return
    environment.process_exit_code = 0
    _quieten(environment, config)
    name = f"g{runner.worker_index}"
    uplink = WorkerUplink(runner)
    generator = Generator(environment, config, uplink, name, runner.worker_index)
    _generator.append(generator)
    # Locust hands out its first users when all workers are there, which may take its time.
    while runner.worker_state == STATE_INIT and not uplink.is_cut_off:
        gevent.sleep(0.05)
    if not uplink.is_cut_off:
        generator.live()
    if uplink.is_cut_off:
        log.error("whoever steered the run has gone")
        environment.process_exit_code = 1
        runner.quit()


def _live_to_the_end(environment: Environment, life: Generator | Relay) -> None:
    """Live, then end Locust."""
    try:
        life.live()
    finally:
        # Locust would exit with 1 for any failed request: what a run means is for others to judge.
        environment.process_exit_code = 0
        if environment.runner:
            environment.runner.quit()


def _quieten(environment: Environment, config: Config) -> None:
    """Locust's own statistics cost more than the recording itself."""
    if not config.locust_stats:
        stats: Any = environment.stats
        stats.log_request = stats.log_error = lambda *_, **__: None


def take_request(
    request_type: str,
    name: str,
    response_time: float | None,
    response_length: int,
    exception: BaseException | None,
    response: Any = None,
    start_time: float | None = None,
    **_: Any,
) -> None:
    """Requests of Locust's own clients; the harness's clients record by themselves."""
    if recorder.active is None:
        return
    took = (response_time or 0.0) / 1000
    now = time.perf_counter()
    started = now - (time.time() - start_time) if start_time else now - took
    headers = getattr(response, "headers", None)
    timing = (headers.get("Server-Timing") or "") if headers else ""
    status = getattr(response, "status_code", 0)
    kind = kind_of(exception) if exception is not None else ""
    if exception is not None and isinstance(status, int) and status >= 400:
        kind = f"status {status}"
    text = str(exception) if exception else ""
    recorder.active.record(
        name, request_type, started, started + took, response_length or 0, kind, text, timing
    )


def take_error(user_instance: Any, exception: BaseException, **_: Any) -> None:
    """A user's code raised: the first words are kept."""
    for generator in _generator:
        tell_problem(generator, exception)


_hooks: Any = events
_hooks.init.add_listener(begin)
_hooks.request.add_listener(take_request)
_hooks.user_error.add_listener(take_error)
