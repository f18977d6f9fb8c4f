"""Server programs of one's own for as long as a measurement lasts: HAProxy, MariaDB, Redis."""

from __future__ import annotations

import os
import secrets
import shlex
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pymysql
import redis

from load.launch import free_port
from stack.mariadb import bootstrap
from stack.programs import data_folder, environment, find_program

WITHIN_S: Final = 30.0
HAPROXY: Final = """
global
    maxconn 8000
    nbthread 1
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
"""
STATIC: Final = """
frontend bench
    bind 127.0.0.1:{port}
    http-request return status 200 content-type "text/plain" string "hello, world"
"""
"""The plainest answer there is, so that what is measured is who asks."""


@dataclass(frozen=True)
class Login:
    """Where a database or Redis is, as a target's description has it."""

    host: str
    port: int
    user: str = ""
    password: str = ""

    def described(self) -> dict[str, Any]:
        """For a target."""
        return {"host": self.host, "port": self.port, "user": self.user, "password": self.password}


@contextmanager
def running(command: Sequence[str], ready: Callable[[], bool], core: int | None = None) -> Iterator[int]:
    """A server program once `ready` says so; yields its process id. Raises RuntimeError: its last words."""
    pinned = [] if core is None else ["taskset", "-c", str(core)]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [*pinned, *command],
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment()},
        )
        try:
            deadline_s = time.monotonic() + WITHIN_S
            while not ready():
                if process.poll() is not None or time.monotonic() > deadline_s:
                    log.seek(0)
                    said = log.read().decode(errors="replace").strip().splitlines()
                    raise RuntimeError(
                        f"{command[0]} did not start: {said[-1] if said else 'it said nothing'}"
                    )
                time.sleep(0.05)
            yield process.pid
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def haproxy(configuration: str, port: int, core: int | None = None) -> Iterator[int]:
    """HAProxy with sections after the common ones; up once it listens on `port`."""
    with tempfile.TemporaryDirectory(prefix="harness-") as folder:
        file = Path(folder) / "haproxy.cfg"
        file.write_text(HAPROXY + configuration)
        command = [str(find_program("haproxy")), "-db", "-f", str(file)]
        with running(command, lambda: _listens(port), core) as pid:
            yield pid


def _listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def mariadb(core: int | None = None, *options: str) -> Iterator[Login]:
    """An empty MariaDB with a database `app`, and an ordinary account `app` on it. `admin` may do all."""
    program = find_program("mariadbd", "mysqld")
    shared = data_folder(program, "share/mysql", "share/mariadb")
    login = Login("127.0.0.1", free_port(), "app", secrets.token_urlsafe(12))
    with tempfile.TemporaryDirectory(prefix="harness-") as folder:
        data = Path(folder) / "data"
        bootstrap(data)
        account = "'app'@'127.0.0.1'"
        start = Path(folder) / "init.sql"
        start.write_text(
            "CREATE DATABASE app;\n"
            f"CREATE USER {account} IDENTIFIED BY '{login.password}';\nGRANT ALL ON app.* TO {account};\n"
            "CREATE USER 'admin'@'127.0.0.1' IDENTIFIED BY "
            f"'{login.password}';\nGRANT ALL ON *.* TO 'admin'@'127.0.0.1';\n"
        )
        command = [
            *(str(program), "--no-defaults", f"--datadir={data}", f"--lc-messages-dir={shared}"),
            *([] if os.getuid() else ["--user=root"]),
            *(f"--character-sets-dir={shared}/charsets", "--innodb-use-native-aio=0"),
            *("--innodb-log-file-size=16M", "--innodb-buffer-pool-size=32M", "--skip-name-resolve"),
            *(f"--port={login.port}", "--bind-address=127.0.0.1", f"--socket={folder}/mysql.sock"),
            *(f"--pid-file={folder}/pid", f"--init-file={start}", *options),
        ]
        with running(command, lambda: _answers_sql(login), core):
            yield login


def connect_as(login: Login, user: str = "admin") -> Any:
    """A PyMySQL connection: `admin` may do everything, `app` what a scenario may."""
    return pymysql.connect(
        host=login.host, port=login.port, user=user, password=login.password, database="app", autocommit=True
    )


def _answers_sql(login: Login) -> bool:
    try:
        connect_as(login, "app").close()
    except pymysql.err.Error:
        return False
    return True


@contextmanager
def redis_server(core: int | None = None, *options: str) -> Iterator[Login]:
    """A Redis without persistence. Debian ships the server as redis-check-rdb, which acts by its name."""
    program = find_program("redis-server", "redis-check-rdb")
    login = Login("127.0.0.1", free_port())
    with tempfile.TemporaryDirectory(prefix="harness-") as folder:
        wanted = ["--port", str(login.port), "--bind", "127.0.0.1", "--save", "", "--dir", folder, *options]
        call = f'exec -a redis-server {shlex.quote(str(program))} "$@"'
        with running(["/bin/bash", "-c", call, "redis", *wanted], lambda: _answers_redis(login), core):
            yield login


def _answers_redis(login: Login) -> bool:
    client = redis.Redis(login.host, login.port, socket_timeout=2)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()
