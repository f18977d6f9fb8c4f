"""What the scenarios share of the product they load: who signs in, what is searched for, how large a team is.

Nothing in here is load by itself: the users are abstract, and Locust leaves them out.
"""

from __future__ import annotations

import os
import random
from itertools import accumulate
from typing import Any

from locust import between

from load.target import seed
from load.trpc import TrpcClient
from load.users import LeanHttpUser

HOST = os.environ.get("HARNESS_HOST", "http://127.0.0.1:18000")
LARGE_TEAM, MEDIUM_TEAM = 100, 30
"""Members from which on a team is large, or medium."""

WORDS = (
    *("report", "budget", "invoice", "release", "contract", "server", "office", "garden", "roadmap"),
    *("slides", "offer", "review", "berlin", "factory", "harbour", "studio", "library", "market"),
)
"""By how often they are searched for, first to last."""
_CHANCES = list(accumulate(1 / rank for rank in range(1, len(WORDS) + 1)))


def credentials() -> dict[str, str]:
    """Any seeded user's; large teams have more users, so they come more often."""
    return {"email": f"user{random.randint(1, seed('users'))}@example.test", "password": seed("password")}


def search_terms() -> tuple[str, str]:
    """(kind, text) as people search: words by Zipf's law, one or two, or what one todo has, or nobody."""
    kind = random.choices(("one word", "two words", "one todo", "nothing"), (70, 20, 8, 2))[0]
    if kind == "one todo":
        return kind, f"{random.randint(1, seed('todos')):03}"
    if kind == "nothing":
        return kind, "zeppelin"
    return kind, " ".join(random.choices(WORDS, cum_weights=_CHANCES, k=2 if kind == "two words" else 1))


def size_of(members: int) -> str:
    """A team's size in words."""
    return (
        "large team" if members >= LARGE_TEAM else "medium team" if members >= MEDIUM_TEAM else "small team"
    )


class ApiMember(LeanHttpUser):
    """Someone who is signed in at the API, as `self.api`; `self.team` is theirs, `self.todos` some of its."""

    abstract = True
    host = HOST
    wait_time = between(0.5, 1.5)
    prefix = "/trpc"
    is_superjson = False

    def on_start(self) -> None:
        self.api = TrpcClient(self.client, self.prefix, is_superjson=self.is_superjson)
        session = self.api.mutation("auth.signIn", credentials())
        self.team: int = session["teamId"]
        self.api.headers["authorization"] = f"Bearer {session['token']}"
        self.todos = [row["id"] for row in self.api.query("todo.list", {"limit": 100})] or [1]

    def own_team(self, data: Any) -> str | None:
        """What is wrong with an answer that holds another team's row; None where nothing is."""
        for row in data if isinstance(data, list) else [data]:
            if row.get("teamId") != self.team:
                return f"a row of team {row.get('teamId')} was shown to team {self.team}"
        return None
