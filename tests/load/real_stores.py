"""The clients of MySQL and Redis in the test's own process, aimed at servers of the test's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from load import mysql, redis_client, target
from load.counting import Counting
from load.mysql import Database
from load.redis_client import RedisClient
from tests.load.scripted import Counted


@contextmanager
def aimed_at(**described: Any) -> Iterator[None]:
    """As load processes are told of their target; pools are made anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_LOAD", json.dumps({"target": described}))
        for made_once in (target.target, mysql._pool, redis_client._pool):
            made_once.cache_clear()
        yield
        for made_once in (target.target, mysql._pool, redis_client._pool):
            made_once.cache_clear()


def database(pool_size: int = 1, timeout_s: float = 5.0) -> tuple[Database, Counted]:
    """A user's databases, and the list of what was counted."""
    counted = Counted()
    return Database(Counting(counted), pool_size, timeout_s), counted


def redis_user(pool_size: int = 1, timeout_s: float = 5.0) -> tuple[RedisClient, Counted]:
    """A user's Redis, and the list of what was counted."""
    counted = Counted()
    return RedisClient(Counting(counted), pool_size, timeout_s), counted


def kinds(counted: Counted) -> list[str | None]:
    """The kind of failure of each counted request; None for those that succeeded."""
    return [getattr(said["exception"], "kind", None) for said in counted]
