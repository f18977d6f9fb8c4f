"""The seed holds what its plan says, and each of the product's reads uses the index made for it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pymysql
import pytest

from stack.app import seedplan
from stack.app.context import Rows, Session
from stack.app.migrate import SCHEMA, migrate
from stack.app.procedures import PROCEDURES
from stack.app.protocol import TrpcError
from tests.stack_app.conftest import Target

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def cursor(target: Target) -> Iterator[Any]:
    """The application's own login on the primary."""
    login = {**target["primary"], **target["load"]}
    wanted = {name: login[name] for name in ("host", "port", "user", "password", "database")}
    with pymysql.connect(**wanted) as connection, connection.cursor(pymysql.cursors.DictCursor) as cursor:
        yield cursor


class Explaining:
    """Stands in for a request's context and explains what it is asked to read."""

    user = Session("token", 400, 2)
    services = type("Services", (), {"slow_s": 0.0})

    def __init__(self, cursor: Any) -> None:
        self.cursor = cursor
        self.keys: dict[str, str | None] = {}

    async def read(self, sql: str, args: Any = ()) -> Rows:
        self.cursor.execute("EXPLAIN " + sql, tuple(args))
        self.keys |= {row["table"]: row["key"] for row in self.cursor.fetchall() if row["table"]}
        return []

    async def cached(self, name: str, given: Any, sql: str, args: Any, shape: Any = None) -> None:
        await self.read(sql, args)


@pytest.mark.parametrize(
    ("name", "given", "keys"),
    [
        ("auth.me", None, {"users": {"PRIMARY"}}),
        (
            "team.dashboard",
            None,
            {
                "teams": {"PRIMARY"},
                "todos": {"by_team_state"},
                "users": {"by_team"},
                "events": {"by_team_time"},
            },
        ),
        ("todo.list", {"after": 60_000}, {"todos": {"by_team_state"}}),
        ("todo.byId", {"id": 20_000}, {"todos": {"PRIMARY"}}),
        ("todo.search", {"text": "harbour"}, {"todos": {"by_words"}}),
        ("event.range", {"start": "2026-03-01", "end": "2026-03-08"}, {"events": {"by_team_time"}}),
        ("notification.unread", None, {"notifications": {"by_user_unread"}}),
    ],
)
def test_a_read_uses_its_index(cursor: Any, name: str, given: Any, keys: dict[str, set[str]]) -> None:
    context = Explaining(cursor)
    with suppress(TrpcError):  # the stand-in has no rows, which a procedure may say
        asyncio.run(PROCEDURES[name].run(context, given))
    assert {table: {key} for table, key in context.keys.items()} == keys


def test_migrations_are_applied_once(cursor: Any) -> None:
    cursor.execute("SELECT name FROM schema_migrations ORDER BY name")
    assert [row["name"] for row in cursor.fetchall()] == sorted(file.stem for file in SCHEMA.glob("*.sql"))
    plain = cursor.connection.cursor(pymysql.cursors.Cursor)
    assert migrate(plain) == []


@pytest.mark.parametrize("kind", ["teams", "users", "events"])
def test_the_seed_has_as_many_rows_as_planned(cursor: Any, kind: str) -> None:
    size = seedplan.SIZES["small"][kind]
    cursor.execute(f"SELECT COUNT(*) AS n FROM {kind} WHERE id <= {size}")
    assert cursor.fetchone()["n"] == size


@pytest.mark.parametrize("kind", ["users", "todos", "notifications"])
def test_rows_belong_to_the_team_that_the_plan_computes(cursor: Any, kind: str) -> None:
    counts = seedplan.SIZES["small"]
    shares = seedplan.team_shares(counts[kind], counts["teams"])
    cursor.execute(
        f"SELECT MIN(id) AS first, COUNT(*) AS n FROM {kind} WHERE id <= %s GROUP BY team_id ORDER BY 1",
        [counts[kind]],
    )
    assert [(row["first"], row["n"]) for row in cursor.fetchall()] == list(shares)


def test_every_todo_belongs_to_a_member_of_its_team(cursor: Any) -> None:
    sql = "SELECT COUNT(*) AS n FROM todos t JOIN users u ON u.id = t.user_id WHERE u.team_id <> t.team_id"
    cursor.execute(sql)
    assert cursor.fetchone()["n"] == 0
