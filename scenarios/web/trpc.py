"""The API through the load balancer: reads, writes and batches, as a signed-in member of a team.

Every row that comes back must be of the member's own team.
"""

import os
import random
from typing import Any

from locust import between, task

from load.target import seed
from load.trpc import TrpcClient
from load.users import LeanHttpUser

WORDS = ("report", "invoice", "budget", "release", "contract", "garden", "server")


class TrpcUser(LeanHttpUser):
    host = os.environ.get("HARNESS_HOST", "http://127.0.0.1:18000")
    wait_time = between(0.5, 1.5)

    def on_start(self) -> None:
        self.api = TrpcClient(self.client, "/trpc")
        number = random.randint(1, seed("users"))
        session = self.api.mutation(
            "auth.signIn", {"email": f"user{number}@example.test", "password": seed("password")}
        )
        self.team = session["teamId"]
        self.api.headers["authorization"] = f"Bearer {session['token']}"
        first_page = self.api.query("todo.list", {"limit": 100})
        self.todos = [row["id"] for row in first_page] or [1]

    def own_team(self, data: Any) -> str | None:
        """What is wrong with an answer that holds another team's row; None where nothing is."""
        for row in data if isinstance(data, list) else [data]:
            if row.get("teamId") != self.team:
                return f"a row of team {row.get('teamId')} was shown to team {self.team}"
        return None

    @task(30)
    def list_todos(self) -> None:
        after = random.choice(self.todos[:20])
        self.api.query("todo.list", {"after": after, "limit": 20}, check=self.own_team)

    @task(20)
    def read_todo(self) -> None:
        self.api.query("todo.byId", {"id": random.choice(self.todos)}, check=self.own_team)

    @task(10)
    def dashboard(self) -> None:
        self.api.batch(
            [("team.dashboard", None), ("todo.list", {"limit": 5}), ("notification.unread", None)],
            check=self.own_team,
        )

    @task(5)
    def search(self) -> None:
        self.api.query("todo.search", {"text": random.choice(WORDS)}, check=self.own_team)

    @task(3)
    def add_todo(self) -> None:
        self.api.mutation("todo.create", {"title": f"{random.choice(WORDS)} to do"}, check=self.own_team)

    @task(2)
    def rename_todo(self) -> None:
        change = {"id": random.choice(self.todos), "title": f"{random.choice(WORDS)} renamed"}
        self.api.mutation("todo.update", change, check=self.own_team)
