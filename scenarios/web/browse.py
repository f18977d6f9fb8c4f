"""Pages as a browser asks for them: signing in, reading, assets from its cache where it has them."""

import os
import random
import re
from typing import Any

from locust import between, task

from load.target import seed
from load.users import LeanHttpUser

ASSET = re.compile(r'(?:href|src)="(/static/[^"]+)"')
TEAM = re.compile(r'data-team="(\d+)"')
TODO = re.compile(r'href="/todos/(\d+)"')


class BrowseUser(LeanHttpUser):
    host = os.environ.get("HARNESS_HOST", "http://127.0.0.1:18000")
    wait_time = between(0.5, 1.5)
    browser_cache = True

    def on_start(self) -> None:
        self.team = ""
        self.todos = ["1"]
        number = random.randint(1, seed("users"))
        form = {"email": f"user{number}@example.test", "password": seed("password")}
        with self.client.post(
            "/signin", data=form, name="POST /signin", kind="page", catch_response=True
        ) as page:
            if page.status_code == 303 and page.headers.get("location") == "/dashboard":
                page.success()
            else:
                page.failure(f"signing in led to {page.status_code} {page.headers.get('location')}")
        self.show("/todos")

    def show(self, path: str, name: str | None = None) -> None:
        """A page and its assets; what the page shows is checked."""
        with self.client.get(path, name=name or path, kind="page", catch_response=True) as page:
            problem = self.problem_with(page)
            if problem:
                page.failure(problem)
                return
        self.todos = TODO.findall(page.text) or self.todos
        for asset in dict.fromkeys(ASSET.findall(page.text)):
            self.client.get(asset, name=asset.partition("?")[0], kind="asset")

    def problem_with(self, page: Any) -> str | None:
        if page.status_code != 200:
            return f"status {page.status_code}"
        teams = set(TEAM.findall(page.text))
        self.team = self.team or next(iter(teams), "")
        if teams - {self.team}:
            return f"rows of team {min(teams - {self.team})} on a page of team {self.team}"
        return None

    @task(2)
    def home(self) -> None:
        self.show("/")

    @task(8)
    def dashboard(self) -> None:
        self.show("/dashboard")

    @task(6)
    def list_todos(self) -> None:
        self.show("/todos")

    @task(6)
    def read_todo(self) -> None:
        self.show(f"/todos/{random.choice(self.todos)}", "/todos/[id]")

    @task(3)
    def calendar(self) -> None:
        self.show(f"/calendar?from=2026-{random.randint(1, 12):02d}-01", "/calendar")

    @task(2)
    def search(self) -> None:
        self.show(f"/search?q={random.choice(('report', 'budget', 'garden'))}", "/search")

    @task(1)
    def add_todo(self) -> None:
        with self.client.post(
            "/todos", data={"title": "from the page"}, name="POST /todos", kind="page", catch_response=True
        ) as answer:
            if answer.status_code == 303:
                answer.success()
            else:
                answer.failure(f"status {answer.status_code}")
