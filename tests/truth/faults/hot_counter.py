"""A locustfile in which all members of the largest team write the team's one counter, and read beside it."""

import os
import random

from locust import between, task

from load.target import seed
from load.trpc import TrpcClient
from load.users import LeanHttpUser

MEMBERS_OF_TEAM_1 = 20
"""Users 1 to this number are of the first team at every size of the seed."""


class CounterUser(LeanHttpUser):
    host = os.environ.get("HARNESS_HOST", "http://127.0.0.1:18000")
    wait_time = between(0.5, 1.5)

    def on_start(self) -> None:
        self.api = TrpcClient(self.client, "/trpc")
        email = f"user{random.randint(1, MEMBERS_OF_TEAM_1)}@example.test"
        session = self.api.mutation("auth.signIn", {"email": email, "password": seed("password")})
        self.api.headers["authorization"] = f"Bearer {session['token']}"

    @task(3)
    def hit(self) -> None:
        self.api.mutation("counter.hit", None)

    @task(7)
    def read(self) -> None:
        self.api.query("todo.byId", {"id": random.randint(1, 100)})
