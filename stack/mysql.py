"""MySQL 8.4 or later in place of MariaDB: the system's own, or the one that tools/more-servers.sh unpacks."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from stack import accounts, admin
from stack.errors import StackError
from stack.knobs import Knobs
from stack.place import Place
from stack.programs import CHECKOUT

MORE = CHECKOUT / ".servers" / "more"


@cache
def _server() -> list[str]:
    """The program, and where its parts are. Raises StackError where there is none."""
    root = MORE / "root"
    program = root / "usr" / "sbin" / "mysqld"
    if (MORE / "complete").is_file() and program.is_file():
        return [
            *unpacked(program),
            *("--no-defaults", f"--basedir={root}/usr", f"--lc-messages-dir={root}/usr/share/mysql"),
            f"--character-sets-dir={root}/usr/share/mysql/charsets",
            f"--plugin-dir={root}/usr/lib/mysql/plugin",
        ]
    found = shutil.which("mysqld", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))
    if found and "MariaDB" not in _printed([found, "--version"]):
        return [found, "--no-defaults"]
    raise StackError("MySQL is not installed: tools/more-servers.sh fetches it, where this is a Debian")


def unpacked(program: Path) -> list[str]:
    """How a program of .servers/more is called: by the loader and with the libraries it was built for."""
    libraries = sorted((MORE / "root" / "usr" / "lib").glob("*-linux-*"))
    loader = next((file for folder in libraries for file in folder.glob("ld-linux-*.so.*")), None)
    if loader is None:
        raise StackError(f"{MORE} is not whole: remove it and run tools/more-servers.sh again")
    return [str(loader), "--library-path", os.pathsep.join(map(str, libraries)), str(program)]


def _printed(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def version() -> str:
    """The server's version, as it prints it."""
    words = _printed([*_server(), "--version"]).split()
    return words[words.index("Ver") + 1] if "Ver" in words[:-1] else "?"


def _common(data: Path) -> list[str]:
    return [
        *(*_server(), f"--datadir={data}", "--secure-file-priv=NULL", "--innodb-use-native-aio=0"),
        *([] if os.getuid() else ["--user=root"]),
        *("--innodb-redo-log-capacity=32M", "--log-error-verbosity=2"),
    ]


def command(place: Place, knobs: Knobs, role: str, port: int) -> list[str]:
    """How the primary or the replica is started."""
    numbers = {"primary": 1, "replica": 2}
    return [
        *_common(place.folder / role),
        *(f"--port={port}", "--bind-address=127.0.0.1", f"--socket={admin.socket_path(place, role)}"),
        *(f"--pid-file={place.folder}/{role}.pid", f"--server-id={numbers[role]}", "--mysqlx=OFF"),
        *("--log-bin=binlog", "--relay-log=relay", "--gtid-mode=ON", "--enforce-gtid-consistency=ON"),
        *("--sync-binlog=0", "--innodb-flush-log-at-trx-commit=2", "--skip-name-resolve"),
        *("--binlog-expire-logs-seconds=86400", "--max-binlog-size=64M"),
        *(f"--innodb-buffer-pool-size={knobs.db.buffer_pool}", "--performance-schema=ON"),
        *(f"--max-connections={knobs.db.max_connections}", "--character-set-server=utf8mb4"),
        *(f"--init-file={place.folder}/init.sql", *(["--read-only=1"] if role == "replica" else [])),
    ]


def bootstrap(data: Path) -> None:
    """Make an empty data folder. Raises StackError with the server's last words."""
    data.mkdir(parents=True)
    done = subprocess.run(
        [*_common(data), "--initialize-insecure"], text=True, capture_output=True, check=False
    )
    if done.returncode:
        shutil.rmtree(data, ignore_errors=True)
        words = (done.stderr.strip() or "killed").splitlines()[-1]
        raise StackError(f"mysqld could not make its data folder: {words}")


def accounts_sql(secrets: dict[str, str]) -> str:
    """The statements that make a stack's accounts (see stack.accounts)."""
    create = ("CREATE USER IF NOT EXISTS {account};", "ALTER USER {account} IDENTIFIED BY '{password}';")
    return accounts.accounts_sql(secrets, create, "PROCESS, REPLICATION CLIENT")


def start_replication(place: Place, primary_port: int) -> None:
    """Point the replica at the primary and wait until it has caught up. Raises StackError."""
    change = (
        "CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT=%s, SOURCE_USER='repl',"
        " SOURCE_PASSWORD=%s, SOURCE_AUTO_POSITION=1, GET_SOURCE_PUBLIC_KEY=1, SOURCE_CONNECT_RETRY=1"
    )
    accounts.follow(
        place,
        "@@GLOBAL.gtid_executed",
        "STOP REPLICA",
        (change, (primary_port, place.credentials()["repl"])),
        "START REPLICA",
        "WAIT_FOR_EXECUTED_GTID_SET(%s, 20)",
    )


def forget_binlog(place: Place) -> None:
    """Empty the primary's binlog and GTID state, so that a copy of its data can be a replica's start."""
    with admin.connect(place, "primary") as primary, primary.cursor() as cursor:
        cursor.execute("RESET BINARY LOGS AND GTIDS")
