"""What MariaDB and MySQL have in common: the accounts of a stack, and a replica that follows its primary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stack import admin
from stack.errors import StackError
from stack.place import Place


def accounts_sql(secrets: dict[str, str], create_user: Sequence[str], watching: str) -> str:
    """Run by each server whenever it starts: the accounts with this stack's passwords, not in the binlog.

    `create_user` are statements with `{account}` and `{password}`; `watching` the probe's own privileges.
    """
    grants = {
        "app": ["ALL ON app.*"],
        "repl": ["REPLICATION SLAVE ON *.*"],
        "probe": [
            f"{watching} ON *.*",
            "SELECT ON performance_schema.*",
            "SELECT, INSERT, UPDATE, DELETE, CREATE ON harness.*",
        ],
    }
    lines = [
        "SET SESSION sql_log_bin = 0;",
        "CREATE DATABASE IF NOT EXISTS app CHARACTER SET utf8mb4;",
        "CREATE DATABASE IF NOT EXISTS harness;",
        "CREATE TABLE IF NOT EXISTS harness.heartbeat (id INT PRIMARY KEY, at DATETIME(6) NOT NULL);",
        f"ALTER USER root@localhost IDENTIFIED BY '{secrets['root']}';",
    ]
    for user, privileges in grants.items():
        account = f"{user}@'127.0.0.1'"
        lines += [line.format(account=account, password=secrets[user]) for line in create_user]
        lines += [f"GRANT {privilege} TO {account};" for privilege in privileges]
    return "\n".join(lines) + "\n"


def follow(
    place: Place, position: str, stop: str, change: tuple[str, Sequence[Any]], start: str, wait: str
) -> None:
    """Point the replica at the primary, from wherever it stopped, and wait until it has caught up.

    `position` asks the primary where it is, and `wait` the replica to get there, in the server's own words.
    Raises StackError with the replica's.
    """
    with admin.connect(place, "primary") as primary, primary.cursor() as cursor:
        cursor.execute(f"SELECT {position} AS position")
        reached = (cursor.fetchone() or {})["position"]
    with admin.connect(place, "replica") as replica, replica.cursor() as cursor:
        cursor.execute(stop)
        cursor.execute(*change)
        cursor.execute(start)
        cursor.execute(f"SELECT {wait} AS waited", (reached,))
        if (cursor.fetchone() or {})["waited"] != 0:
            told = admin.replication(place)
            words = told.get("Last_SQL_Error") or told.get("Last_IO_Error") or "no error is told"
            raise StackError(f"the replica did not catch up: {words}")
