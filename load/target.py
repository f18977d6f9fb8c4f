"""What a scenario may know of the system it aims at: addresses, and what was seeded."""

from __future__ import annotations

import json
import os
from functools import cache
from typing import Any

_SEED: dict[str, Any] = {
    "teams": 50,
    "users": 2000,
    "todos": 100_000,
    "password": "correct horse battery staple",
}
"""The small seed of the stack that ships with the harness, for scenarios that run under plain `locust`."""


@cache
def target() -> dict[str, Any]:
    """The target's description as the harness hands it to load processes; empty under plain `locust`."""
    told: dict[str, Any] = json.loads(os.environ.get("HARNESS_LOAD", "{}"))
    return dict(told.get("target", {}))


def seed(what: str) -> Any:
    """A fact of the seeded data: `teams`, `users`, `todos` (counts) or `password`."""
    return target().get("seed", {}).get(what, _SEED[what])
