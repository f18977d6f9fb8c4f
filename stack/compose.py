"""Random passwords for docker-compose.yml: `python3 -m stack.compose > .env`. Needs nothing but Python."""

from __future__ import annotations

import os
import secrets
import stat
import sys

NAMES = ("MYSQL_ROOT_PASSWORD", "APP_PASSWORD", "REPL_PASSWORD", "PROBE_PASSWORD", "REDIS_PASSWORD")


def env_file() -> str:
    """Lines of an .env file, with new passwords."""
    return "".join(f"{name}={secrets.token_urlsafe(18)}\n" for name in NAMES)


if __name__ == "__main__":
    if stat.S_ISREG(os.fstat(sys.stdout.fileno()).st_mode):
        os.fchmod(sys.stdout.fileno(), 0o600)  # the file that the shell made, before it holds a secret
    sys.stdout.write(env_file())
