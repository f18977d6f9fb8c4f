"""The stack in containers: random passwords in .env, then docker compose. Needs nothing but Python.

`python3 -m stack.compose > .env` makes the passwords for those who call docker compose themselves.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from stack.errors import SettingError, StackError

NAMES = ("MYSQL_ROOT_PASSWORD", "APP_PASSWORD", "REPL_PASSWORD", "PROBE_PASSWORD", "REDIS_PASSWORD")
CHECKOUT = Path(__file__).resolve().parent.parent
SETTABLE = (
    *("web.workers", "api.workers", "api.pool_size", "api.pool_timeout_s", "api.slow_ms"),
    *("cache.ttl_s", "db.round_trip_ms", "seed.size"),
)
"""Knobs of the application; all else is written in docker-compose.yml and stack/containers."""


def env_file() -> str:
    """Lines of an .env file, with new passwords."""
    return "".join(f"{name}={secrets.token_urlsafe(18)}\n" for name in NAMES)


def up(settings: Mapping[str, str], folder: Path = CHECKOUT) -> None:
    """Bring the containers up and wait until they are healthy; passwords are made once. Raises StackError.

    Raises SettingError for a knob that has no effect there.
    """
    for knob in settings:
        if knob not in SETTABLE:
            raise SettingError(
                f"knob {knob} is of local stacks; in containers there are: {', '.join(SETTABLE)}"
            )
    command = _compose()
    env = folder / ".env"
    if not env.exists():
        with os.fdopen(os.open(env, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(env_file())
    told = " ".join(f"{knob}={value}" for knob, value in settings.items())
    _call([*command, "up", "--build", "--wait"], folder, {"HARNESS_SET": told} if told else {})


def down(folder: Path = CHECKOUT) -> None:
    """End the containers and remove their data; the passwords stay in .env. Raises StackError."""
    command = _compose()
    if not (folder / ".env").exists():
        raise StackError("there is no .env, so no stack was brought up in containers from here")
    _call([*command, "down", "--volumes", "--remove-orphans"], folder, {})


def _compose() -> list[str]:
    """Compose of version 2 or later, as docker's plugin or as a program. Raises StackError."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]):
            told = subprocess.run(
                [*command, "version", "--short"], capture_output=True, text=True, check=False
            )
            if told.returncode == 0 and not told.stdout.lstrip("v").startswith("1."):
                return command
    raise StackError(
        "docker compose (version 2 or later) is not here: install it, or use 'harness up' without --compose"
    )


def _call(command: list[str], folder: Path, environment: Mapping[str, str]) -> None:
    done = subprocess.run(command, cwd=folder, env={**os.environ, **environment}, check=False)
    if done.returncode:
        words = " ".join(command)
        raise StackError(f"'{words}' exited with {done.returncode}: its own words above say why")


if __name__ == "__main__":
    if stat.S_ISREG(os.fstat(sys.stdout.fileno()).st_mode):
        os.fchmod(sys.stdout.fileno(), 0o600)  # the file that the shell made, before it holds a secret
    sys.stdout.write(env_file())
