"""The stack's database servers, whichever they are, as an administrator sees them over their sockets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pymysql
from pymysql.cursors import DictCursor

from stack.place import Place


def socket_path(place: Place, role: str) -> Path:
    """The server's unix socket."""
    return place.sockets / f"{role}.sock"


def connect(place: Place, role: str) -> pymysql.Connection[DictCursor]:
    """A connection to the primary or the replica."""
    return pymysql.connect(
        unix_socket=str(socket_path(place, role)),
        user="root",
        password=place.credentials()["root"],
        autocommit=True,
        connect_timeout=2,
        read_timeout=30,
        cursorclass=DictCursor,
    )


def replication(place: Place) -> dict[str, Any]:
    """What the replica says of its replication, in MySQL's words; empty where it cannot be asked."""
    try:
        with connect(place, "replica") as replica, replica.cursor() as cursor:
            cursor.execute("SHOW REPLICA STATUS")
            told = cursor.fetchone() or {}
    except (pymysql.MySQLError, OSError):
        return {}
    return {key.replace("Slave_", "Replica_"): value for key, value in told.items()}
