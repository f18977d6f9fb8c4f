"""A scenario with all that makes iterations hard to count: two classes, nested and interrupted task sets."""

from __future__ import annotations

import gevent
from locust import FastHttpUser, HttpUser, SequentialTaskSet, between, task

from load.users import LeanHttpUser


class Checkout(SequentialTaskSet):
    @task
    def basket(self) -> None:
        self.client.get("/", name="basket")

    @task
    def pay(self) -> None:
        self.client.get("/", name="pay")
        self.interrupt()  # type: ignore[no-untyped-call]


class Nested(LeanHttpUser):
    weight = 2
    wait_time = between(1, 2)
    tasks = [Checkout]  # noqa: RUF012

    def on_start(self) -> None:
        self.client.get("/", name="sign-in")


class Parallel(HttpUser):
    weight = 1

    @task
    def page(self) -> None:
        self.client.get("/", name="page")
        gevent.joinall([gevent.spawn(self.client.get, "/", name="asset") for _ in range(2)])


class Raising(FastHttpUser):
    weight = 1

    @task
    def broken(self) -> None:
        self.client.get("/", name="before")
        raise KeyError("a scenario's own mistake")
