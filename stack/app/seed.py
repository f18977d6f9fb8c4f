"""Fill an empty database: `python -m stack.app.seed APP.JSON small`. The same size gives the same rows."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pymysql

from stack.app.migrate import migrate
from stack.app.passwords import hash_password
from stack.app.seedplan import PASSWORD, SIZES, email_of, team_shares

_EPOCH = datetime(2026, 1, 1)
_BATCH = 2000
_VERBS = ("review", "write", "plan", "ship", "test", "fix", "draft", "call", "order", "clean")
_THINGS = (
    "report",
    "invoice",
    "budget",
    "release",
    "contract",
    "slides",
    "server",
    "garden",
    "roadmap",
    "offer",
)
_PLACES = ("berlin", "office", "home", "factory", "harbour", "lab", "school", "market", "studio", "library")


def seed(cursor: Any, size: str) -> None:
    """Create the schema and all rows of a size."""
    migrate(cursor)
    counts = SIZES[size]
    teams = counts["teams"]
    cursor.execute("SET unique_checks = 0")
    cursor.execute("SET foreign_key_checks = 0")
    # A full-text index is made faster of rows that are there than row by row.
    cursor.execute("ALTER TABLE todos DROP KEY by_words")
    _insert(cursor, "teams (id, name)", ((n, f"Team {n}") for n in range(1, teams + 1)))
    _insert(cursor, "counters (team_id, hits)", ((n, 0) for n in range(1, teams + 1)))
    hashed = hash_password(PASSWORD, "seed")
    people = list(_owned(counts["users"], teams))
    _insert(
        cursor,
        "users (id, team_id, email, name, password_hash)",
        ((n, team, email_of(n), f"User {n}", hashed) for n, team in people),
    )
    _insert(
        cursor,
        "memberships (team_id, user_id, role)",
        ((team, n, "owner" if n % 10 == 1 else "member") for n, team in people),
    )
    members = team_shares(counts["users"], teams)
    _insert(
        cursor,
        "todos (id, team_id, user_id, title, body, done, created_at)",
        (_todo(n, team, members[team - 1]) for n, team in _owned(counts["todos"], teams)),
    )
    cursor.execute("ALTER TABLE todos ADD FULLTEXT KEY by_words (title, body)")
    _insert(cursor, "events (id, team_id, title, starts_at, ends_at)", _events(counts["events"], teams))
    _insert(
        cursor,
        "notifications (id, team_id, user_id, text, is_read, created_at)",
        (
            (n, team, _member(n, members[team - 1]), f"Something changed in todo {n}", n % 3 > 0, _EPOCH)
            for n, team in _owned(counts["notifications"], teams)
        ),
    )


def _owned(total: int, teams: int) -> Iterator[tuple[int, int]]:
    """(number, team) of everything, in order."""
    for team, (first, count) in enumerate(team_shares(total, teams), 1):
        for number in range(first, first + count):
            yield number, team


def _member(number: int, share: tuple[int, int]) -> int:
    return share[0] + number % share[1]


def _todo(number: int, team: int, members: tuple[int, int]) -> tuple[Any, ...]:
    verb, thing, place = _VERBS[number % 10], _THINGS[number // 7 % 10], _PLACES[number // 31 % 10]
    title = f"{verb} the {thing} {number}"
    body = (
        f"Before the end of the week, {verb} the {thing} at the {place} and tell the team how it went. " * 2
    )
    created = _EPOCH + timedelta(minutes=number % 400_000)
    return number, team, _member(number, members), title, body, number % 4 == 0, created


def _events(total: int, teams: int) -> Iterator[tuple[Any, ...]]:
    for number, team in _owned(total, teams):
        start = _EPOCH + timedelta(hours=number * 7 % (365 * 24))
        yield (
            number,
            team,
            f"{_THINGS[number % 10]} in the {_PLACES[number // 3 % 10]}",
            start,
            start + timedelta(hours=1),
        )


def _insert(cursor: Any, into: str, rows: Iterable[tuple[Any, ...]]) -> None:
    columns = into.count(",") + 1
    statement = f"INSERT INTO {into} VALUES ({', '.join(['%s'] * columns)})"
    remaining = iter(rows)
    while batch := list(islice(remaining, _BATCH)):
        cursor.executemany(statement, batch)
    cursor.connection.commit()


def main() -> None:
    settings = json.loads(Path(sys.argv[1]).read_text())
    with (
        pymysql.connect(**settings["primary"], charset="utf8mb4") as connection,
        connection.cursor() as cursor,
    ):
        seed(cursor, sys.argv[2])


if __name__ == "__main__":
    main()
