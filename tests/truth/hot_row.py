"""A team writes beside hitting its counter, whose row others fight for: a hit waits with its connection."""

import random

from locust import task

from load.target import seed
from load.trpc import TrpcClient
from load.users import LeanHttpUser

MEMBERS = 10
"""The first users are members of the first team, whose counter fault hot-row is about."""


class Member(LeanHttpUser):
    def on_start(self) -> None:
        self.api = TrpcClient(self.client, "/trpc")
        email = f"user{random.randint(1, MEMBERS)}@example.test"
        session = self.api.mutation("auth.signIn", {"email": email, "password": seed("password")})
        self.api.headers["authorization"] = f"Bearer {session['token']}"
        self.todos = [row["id"] for row in self.api.query("todo.list", {"limit": 100})]

    @task(2)
    def hit(self) -> None:
        self.api.mutation("counter.hit", {})

    @task(3)
    def rename(self) -> None:
        self.api.mutation("todo.update", {"id": random.choice(self.todos), "title": "renamed"})
