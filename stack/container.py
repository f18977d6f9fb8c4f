"""Starts one process of the application in a container, from environment variables.

`python -m stack.container api|web|jobs INSTANCE`, or `seed`. Passwords come as APP_PASSWORD and
REDIS_PASSWORD; HARNESS_SET holds knobs as on the command line: `api.pool_size=2 cache.ttl_s=60`.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pymysql

from stack.app.seed import seed
from stack.app.seedplan import SIZES
from stack.knobs import make_knobs, parse_settings

PORT = 8000


def settings(environment: Mapping[str, str]) -> dict[str, Any]:
    """What stack/app reads when it starts. Raises SettingError, or KeyError without passwords."""
    login = {"user": "app", "password": environment["APP_PASSWORD"], "database": "app", "port": 3306}
    return {
        "primary": {**login, "host": "primary"},
        "replica": {**login, "host": "replica"},
        "redis": {"host": "redis", "port": 6379, "password": environment["REDIS_PASSWORD"]},
        "api_url": "http://haproxy:8082",
        "knobs": make_knobs(parse_settings(environment.get("HARNESS_SET", "").split())).flat(),
        "bind": "0.0.0.0",
    }


def seed_once(told: Mapping[str, Any]) -> bool:
    """Seed the primary unless its rows are all there; what a seeding that was cut off left is removed."""
    size = str(told["knobs"]["seed.size"])
    with pymysql.connect(**told["primary"], charset="utf8mb4") as connection, connection.cursor() as cursor:
        try:
            cursor.execute("SELECT COUNT(*) FROM notifications")  # the last table that seeding fills
            if (cursor.fetchone() or (0,))[0] >= SIZES[size]["notifications"]:
                return False
        except pymysql.err.ProgrammingError:
            pass
        cursor.execute("DROP DATABASE app")
        cursor.execute("CREATE DATABASE app CHARACTER SET utf8mb4")
        cursor.execute("USE app")
        seed(cursor, size)
    return True


def main() -> None:
    """Become the process that the command line names."""
    told = settings(os.environ)
    role = sys.argv[1]
    if role == "seed":
        sys.stdout.write("seeded\n" if seed_once(told) else "seeded already\n")
        return
    path = Path(tempfile.mkdtemp()) / "app.json"
    path.touch(0o600)
    path.write_text(json.dumps(told))
    os.execv(sys.executable, [sys.executable, "-m", f"stack.app.{role}", str(path), sys.argv[2], str(PORT)])


if __name__ == "__main__":
    main()
