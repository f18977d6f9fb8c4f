"""Teams of very different size on one system: latency by team size, and no team sees another's rows.

Users are drawn from all users, so a team comes as often as it is large; every row of every answer is checked.
"""

import json
import random
from urllib.parse import quote

from locust import task

from load.target import seed
from scenarios.product import ApiMember, size_of


class TenantUser(ApiMember):
    def on_start(self) -> None:
        super().on_start()
        members = self.api.query("team.dashboard")["members"]
        self.api.suffix = f" [{size_of(members)}]"

    @task(10)
    def list_todos(self) -> None:
        after = random.choice(self.todos)
        self.api.query("todo.list", {"after": after, "limit": 50}, check=self.own_team)

    @task(6)
    def dashboard(self) -> None:
        self.api.query("team.dashboard", check=self.own_team)

    @task(6)
    def calendar(self) -> None:
        month = random.randint(1, 11)
        span = {"start": f"2026-{month:02}-01T00:00:00Z", "end": f"2026-{month + 1:02}-01T00:00:00Z"}
        self.api.query("event.range", span, check=self.own_team)

    @task(2)
    def rename_todo(self) -> None:
        change = {"id": random.choice(self.todos), "title": "renamed by its team"}
        self.api.mutation("todo.update", change, check=self.own_team)

    @task(6)
    def knock_at_any_todo(self) -> None:
        """Most are another team's: those have to be as good as not there."""
        asked = quote(json.dumps({"id": random.randint(1, seed("todos"))}))
        with self.client.get(
            f"/trpc/todo.byId?input={asked}",
            headers=self.api.headers,
            name=f"todo.byId, anyone's{self.api.suffix}",
            kind="trpc",
            catch_response=True,
        ) as answer:
            if answer.status_code == 404:
                answer.success()
            elif answer.status_code == 200:
                problem = self.own_team(answer.json()["result"]["data"])
                if problem:
                    answer.failure(problem)
