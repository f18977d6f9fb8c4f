"""Which database server a stack runs on: MariaDB, or MySQL with `db.server=mysql`."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from stack import mariadb, mysql
from stack.knobs import Knobs
from stack.place import Place


class DatabaseServer(Protocol):
    """What the stack needs of a server; stack.mariadb and stack.mysql each are one."""

    def command(self, place: Place, knobs: Knobs, role: str, port: int) -> list[str]:
        """How the primary or the replica is started. Raises StackError where the server is missing."""

    def bootstrap(self, data: Path) -> None:
        """Make an empty data folder. Raises StackError with the server's last words."""

    def accounts_sql(self, secrets: dict[str, str]) -> str:
        """Run by each server whenever it starts: accounts with this stack's passwords, not in the binlog."""

    def start_replication(self, place: Place, primary_port: int) -> None:
        """Point the replica at the primary and wait until it has caught up. Raises StackError."""

    def forget_binlog(self, place: Place) -> None:
        """Empty the primary's binlog and GTID state, so that a copy of its data can be a replica's start."""

    def version(self) -> str:
        """The server's version, as it prints it."""


def database(knobs: Knobs) -> DatabaseServer:
    """The server that a stack was asked to run on."""
    return mysql if knobs.db.server == "mysql" else mariadb
