"""The API in each way that a tRPC client can call it: one by one, in batches, in streams, and by superjson.

Every procedure is counted by itself, also within a batch; a streamed one when it was whole.
"""

import random
from datetime import datetime
from typing import Any

from locust import task

from scenarios.product import ApiMember

DASHBOARD = [("team.dashboard", None), ("todo.list", {"limit": 5}), ("notification.unread", None)]


class PlainLinkUser(ApiMember):
    """httpLink: a request for every call."""

    weight = 3

    def on_start(self) -> None:
        super().on_start()
        self.api.suffix = " [alone]"

    @task(3)
    def read(self) -> None:
        self.api.query("todo.byId", {"id": random.choice(self.todos)}, check=self.own_team)

    @task(1)
    def write(self) -> None:
        change = {"id": random.choice(self.todos), "title": "renamed alone"}
        self.api.mutation("todo.update", change, check=self.own_team)


class BatchLinkUser(ApiMember):
    """httpBatchLink: the calls of one moment in one request, answered together."""

    weight = 3

    def on_start(self) -> None:
        super().on_start()
        self.api.suffix = " [batch]"

    @task(3)
    def read(self) -> None:
        self.api.batch(DASHBOARD, check=self.own_team)

    @task(1)
    def write(self) -> None:
        ids = random.sample(self.todos, min(2, len(self.todos)))
        changes = [("todo.update", {"id": number, "title": "renamed in a batch"}) for number in ids]
        self.api.batch(changes, check=self.own_team, is_mutation=True)


class StreamLinkUser(ApiMember):
    """httpBatchStreamLink: in one request, each answered as soon as it is known (application/jsonl)."""

    weight = 2

    def on_start(self) -> None:
        super().on_start()
        self.api.suffix = " [stream]"

    @task
    def read(self) -> None:
        self.api.batch(DASHBOARD, check=self.own_team, is_streamed=True)


class SuperjsonLinkUser(ApiMember):
    """The superjson transformer: dates come as dates."""

    weight = 2
    prefix = "/trpc-superjson"
    is_superjson = True

    def on_start(self) -> None:
        super().on_start()
        self.api.suffix = " [superjson]"

    def has_dates(self, row: Any) -> str | None:
        """What is wrong with a todo whose date is not one."""
        kind = type(row["createdAt"])
        return self.own_team(row) or (None if kind is datetime else f"createdAt came as {kind.__name__}")

    @task
    def read(self) -> None:
        self.api.query("todo.byId", {"id": random.choice(self.todos)}, check=self.has_dates)
