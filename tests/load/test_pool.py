from __future__ import annotations

from time import perf_counter
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from locust.exception import StopUser

from load.arrivals import Arrivals
from load.dispatch import Dispatcher
from load.pool import FEWEST_FREE, Pool
from results import Stages


class Customer:
    """A user of Locust's, as far as the pool knows one: it takes an arrival, and is busy for a while."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.has_begun = False
        self._greenlet: Any = gevent.spawn(self.live)

    def live(self) -> None:
        dispatcher = self.runner.dispatcher
        try:
            while True:
                self.has_begun = True
                arrival = dispatcher.take("Customer")
                gevent.sleep(self.runner.busy_s)
                dispatcher.end(arrival)
        except StopUser:
            self.runner.user_greenlets.discard(self._greenlet)


class Runner:
    """Stands for Locust's runner, which spawns users and knows those that are alive."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self.dispatcher = dispatcher
        self.busy_s = 0.0
        self.user_greenlets: set[Any] = set()

    def spawn_users(self, asked: dict[str, int]) -> list[Customer]:
        made = [Customer(self) for _ in range(sum(asked.values()))]
        self.user_greenlets.update(one._greenlet for one in made)
        return made


@pytest.fixture
def load() -> Any:
    """A generator's users under 200 arrivals a second."""
    dispatcher = Dispatcher(Arrivals(Stages.parse("200/s for 1h"), "even"), {"Customer": 1.0}, 10_000)
    runner = Runner(dispatcher)
    pool = Pool(runner, dispatcher, {"Customer": 1.0}, 500)
    yield SimpleNamespace(dispatcher=dispatcher, runner=runner, pool=pool)
    gevent.killall([*runner.user_greenlets])


def until(load: Any, true: Any) -> None:
    with gevent.Timeout(30):
        while not true():
            load.pool.reserve(20)
            load.pool.tend()
            gevent.sleep(0.01)


def test_a_reserve_of_users_is_there_before_the_first_arrival(load: Any) -> None:
    until(load, lambda: load.dispatcher.free == FEWEST_FREE)
    assert load.pool.users == FEWEST_FREE


def test_users_that_an_overload_brought_end_when_it_is_over(load: Any) -> None:
    until(load, lambda: load.dispatcher.free == FEWEST_FREE)
    for _ in range(300):  # as if the system had stood still, with so many under way
        load.pool.want(load.pool.users + 1)
        load.pool.tend()
    until(load, lambda: load.pool.users >= 300)
    load.dispatcher.begin(perf_counter())
    until(load, lambda: load.pool.users <= 5 * FEWEST_FREE)
    assert load.pool.users >= FEWEST_FREE
    assert not load.pool.is_hopeless
