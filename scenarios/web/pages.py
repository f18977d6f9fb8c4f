"""Server-rendered pages without their assets: what visitors see, and what members see once signed in."""

import random
import re

from locust import between, task

from load.users import LeanHttpUser
from scenarios.product import HOST, credentials

TEAM = re.compile(r'data-team="(\d+)"')
TODO = re.compile(r'href="/todos/(\d+)"')


class VisitorUser(LeanHttpUser):
    host = HOST
    wait_time = between(0.5, 1.5)
    weight = 3

    @task(3)
    def home(self) -> None:
        self.client.get("/", name="/ [visitor]", kind="page")

    @task(1)
    def sign_in_form(self) -> None:
        self.client.get("/signin", name="/signin [visitor]", kind="page")

    @task(1)
    def closed_door(self) -> None:
        with self.client.get(
            "/dashboard", name="/dashboard [visitor]", kind="page", catch_response=True
        ) as page:
            if page.headers.get("location") != "/signin":
                page.failure(f"a visitor was let in: status {page.status_code}")


class MemberUser(LeanHttpUser):
    host = HOST
    wait_time = between(0.5, 1.5)
    weight = 7

    def on_start(self) -> None:
        self.client.post("/signin", data=credentials(), name="POST /signin", kind="page")
        self.teams: set[str] = set()
        self.todos = TODO.findall(self.client.get("/todos", kind="page").text)

    def show(self, path: str, name: str) -> None:
        """A page, on which every row has to be of one team."""
        with self.client.get(path, name=name, kind="page", catch_response=True) as page:
            self.teams |= set(TEAM.findall(page.text))
            if page.status_code == 200 and len(self.teams) != 1:
                page.failure(f"rows of teams {', '.join(sorted(self.teams)) or 'none'} on one member's pages")

    @task(5)
    def dashboard(self) -> None:
        self.show("/dashboard", "/dashboard")

    @task(4)
    def list_todos(self) -> None:
        self.show("/todos", "/todos")

    @task(4)
    def read_todo(self) -> None:
        self.show(f"/todos/{random.choice(self.todos)}", "/todos/[id]")

    @task(2)
    def calendar(self) -> None:
        self.show(f"/calendar?from=2026-{random.randint(1, 12):02d}-01", "/calendar")

    @task(1)
    def notifications(self) -> None:
        self.show("/notifications", "/notifications")
