"""The primary: inserts, updates, and transactions, a few of them on rows that everybody wants.

A lock that took too long (1205) and a deadlock (1213) are failures by those names.
"""

import random

from locust import constant, task

from load.mysql import Cursor
from load.target import seed
from load.users import DatabaseUser

NEW_EVENT = (
    "INSERT INTO events (team_id, title, starts_at, ends_at)"
    " VALUES (%s, 'written by load', '2027-01-01 10:00', '2027-01-01 11:00')"
)
COUNT = "UPDATE counters SET hits = hits + 1 WHERE team_id = %s"
LOCK_WAIT_S = 2
HOT_TEAMS = (1, 2)


def any_team() -> int:
    return random.randint(1, seed("teams"))


def any_todo() -> int:
    return random.randint(1, seed("todos"))


class WriteUser(DatabaseUser):
    wait_time = constant(0.1)

    @task(6)
    def insert(self) -> None:
        self.db.primary.execute(NEW_EVENT, [any_team()], name="insert an event")

    @task(6)
    def update(self) -> None:
        sql = "UPDATE todos SET done = 1 - done WHERE id = %s"
        self.db.primary.execute(sql, [any_todo()], name="update a todo")

    @task(4)
    def several_statements(self) -> None:
        team = any_team()
        with self.db.primary.transaction("transaction of three") as cursor:
            cursor.execute(NEW_EVENT, [team])
            cursor.execute("UPDATE todos SET done = 1 WHERE id = %s", [any_todo()])
            cursor.execute("UPDATE events SET title = 'moved' WHERE id = %s", [cursor.last_id])

    @task(3)
    def hot_row(self) -> None:
        with self.db.primary.transaction("one hot row") as cursor:
            self.count_for(cursor, HOT_TEAMS[0])

    @task(1)
    def two_hot_rows(self) -> None:
        """In either order, which is how deadlocks come about."""
        with self.db.primary.transaction("two hot rows") as cursor:
            for team in random.sample(HOT_TEAMS, 2):
                self.count_for(cursor, team)

    @staticmethod
    def count_for(cursor: Cursor, team: int) -> None:
        cursor.execute("SET innodb_lock_wait_timeout = %s", [LOCK_WAIT_S])
        cursor.execute(COUNT, [team])
