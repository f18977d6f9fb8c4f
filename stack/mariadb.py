"""MariaDB: an empty data folder in half a second, a GTID replica as its copy, and accounts per stack."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from stack import accounts, admin
from stack.errors import StackError
from stack.knobs import Knobs
from stack.place import Place
from stack.programs import data_folder, environment, find_program

_SYSTEM_TABLES = (
    ("mysql_system_tables.sql", "mariadb_system_tables.sql"),
    ("mysql_performance_tables.sql", "mariadb_performance_tables.sql"),
    ("mysql_system_tables_data.sql", "mariadb_system_tables_data.sql"),
    ("maria_add_gis_sp_bootstrap.sql", "mariadb_add_gis_sp_bootstrap.sql"),
)


def _server() -> tuple[str, Path]:
    program = find_program("mariadbd", "mysqld")
    return str(program), data_folder(program, "share/mysql", "share/mariadb")


def version() -> str:
    """The server's version, as it prints it."""
    done = subprocess.run(
        [_server()[0], "--version"], capture_output=True, text=True, check=False, env=environment() or None
    )
    words = done.stdout.split()
    return words[words.index("Ver") + 1] if "Ver" in words[:-1] else "?"


def _common(data: Path) -> list[str]:
    program, shared = _server()
    return [
        *(program, "--no-defaults", f"--datadir={data}", f"--lc-messages-dir={shared}"),
        *([] if os.getuid() else ["--user=root"]),
        *(f"--character-sets-dir={shared}/charsets", "--innodb-use-native-aio=0"),
        *("--innodb-log-file-size=16M", "--innodb-flush-log-at-trx-commit=2", "--skip-name-resolve"),
    ]


def command(place: Place, knobs: Knobs, role: str, port: int) -> list[str]:
    """How the primary or the replica is started."""
    numbers = {"primary": 1, "replica": 2}
    return [
        *_common(place.folder / role),
        *(f"--port={port}", "--bind-address=127.0.0.1", f"--socket={admin.socket_path(place, role)}"),
        *(f"--pid-file={place.folder}/{role}.pid", f"--server-id={numbers[role]}"),
        *("--log-bin=binlog", "--relay-log=relay", "--gtid-strict-mode=1", "--log-slave-updates=1"),
        *("--binlog-format=ROW", "--sync-binlog=0", "--expire-logs-days=1", "--max-binlog-size=64M"),
        *(f"--innodb-buffer-pool-size={knobs.db.buffer_pool}", "--performance-schema=ON"),
        *(f"--max-connections={knobs.db.max_connections}", "--character-set-server=utf8mb4"),
        *(f"--init-file={place.folder}/init.sql", *(["--read-only=1"] if role == "replica" else [])),
    ]


def bootstrap(data: Path) -> None:
    """Make an empty data folder. Raises StackError with the server's last words."""
    _, shared = _server()
    data.mkdir(parents=True)
    script = ["create database if not exists mysql;", "use mysql;"]
    script += ["SET @auth_root_socket=NULL;", "SET @skip_auth_anonymous=1;"]
    for names in _SYSTEM_TABLES:
        script.append(next((shared / name).read_text() for name in names if (shared / name).is_file()))
    done = subprocess.run(
        [*_common(data), "--bootstrap", "--skip-grant-tables", "--log-warnings=0"],
        input="\n".join(script),
        text=True,
        capture_output=True,
        env=environment() or None,
        check=False,
    )
    if done.returncode:
        shutil.rmtree(data, ignore_errors=True)
        raise StackError(f"mariadbd could not make its data folder: {done.stderr.strip().splitlines()[-1]}")


def accounts_sql(secrets: dict[str, str]) -> str:
    """The statements that make a stack's accounts (see stack.accounts)."""
    create = ("CREATE OR REPLACE USER {account} IDENTIFIED BY '{password}';",)
    return accounts.accounts_sql(secrets, create, "PROCESS, REPLICATION CLIENT, SLAVE MONITOR")


def start_replication(place: Place, primary_port: int) -> None:
    """Point the replica at the primary and wait until it has caught up. Raises StackError."""
    change = (
        "CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=%s, MASTER_USER='repl',"
        " MASTER_PASSWORD=%s, MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1"
    )
    accounts.follow(
        place,
        "@@gtid_binlog_pos",
        "STOP SLAVE",
        (change, (primary_port, place.credentials()["repl"])),
        "START SLAVE",
        "MASTER_GTID_WAIT(%s, 10)",
    )


def forget_binlog(place: Place) -> None:
    """Empty the primary's binlog and GTID state, so that a copy of its data can be a replica's start."""
    with admin.connect(place, "primary") as primary, primary.cursor() as cursor:
        cursor.execute("RESET MASTER")
