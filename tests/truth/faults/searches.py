"""A locustfile that keeps the database's connections busy: one request in five searches for words of its own.

No two searches are the same, so the query cache answers none of them.
"""

import itertools
import os
import random

from locust import between, task

from load.target import seed
from load.trpc import TrpcClient
from load.users import LeanHttpUser

WORDS = ("report", "invoice", "budget", "release", "contract", "garden", "server")
_numbers = itertools.count()


class SearchUser(LeanHttpUser):
    host = os.environ.get("HARNESS_HOST", "http://127.0.0.1:18000")
    wait_time = between(0.5, 1.5)

    def on_start(self) -> None:
        self.api = TrpcClient(self.client, "/trpc")
        email = f"user{random.randint(1, seed('users'))}@example.test"
        session = self.api.mutation("auth.signIn", {"email": email, "password": seed("password")})
        self.api.headers["authorization"] = f"Bearer {session['token']}"
        self.todos = [row["id"] for row in self.api.query("todo.list", {"limit": 100})] or [1]

    @task(1)
    def search(self) -> None:
        self.api.query("todo.search", {"text": f"{random.choice(WORDS)} {next(_numbers)}"})

    @task(4)
    def read(self) -> None:
        self.api.query("todo.byId", {"id": random.choice(self.todos)})
