"""The programs that the harness is held against: where they are, and why one is left out."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

from stack.programs import CHECKOUT, UNPACKED, environment

PEERS: Final = ("wrk", "hey", "autocannon", "sysbench", "redis-benchmark")
_VERSION: Final = {
    "wrk": ("-v", r"wrk (?:debian/)?(\d[\w.]*)"),
    "autocannon": ("--version", r"autocannon v([\d.]+)"),
    "sysbench": ("--version", r"sysbench ([\d.]+)"),
    "redis-benchmark": ("--version", r"redis-benchmark ([\d.]+)"),
}


@cache
def find_peer(name: str) -> Path | None:
    """On the PATH or in .servers; None where `tools/setup.sh --with-peers` could not get it."""
    folders = [UNPACKED / "usr" / "bin", CHECKOUT / ".servers" / "node" / "node_modules" / ".bin"]
    path = os.pathsep.join([os.environ.get("PATH", ""), *map(str, folders)])
    found = shutil.which(name, path=path)
    return Path(found) if found else None


def left_out() -> dict[str, str]:
    """Peers that cannot be measured, each with the reason."""
    reasons = {}
    for name in PEERS:
        if find_peer(name) is None:
            source = "npm" if name == "autocannon" else "Debian's packages"
            reasons[name] = f"not on this machine, and `make bench` could not get it from {source}"
    return reasons


def versions() -> str:
    """The versions of the peers that are there, in a line. hey does not tell its own."""
    told = []
    for name, (option, pattern) in _VERSION.items():
        program = find_peer(name)
        if program is not None:
            done = subprocess.run(
                [program, option], capture_output=True, text=True, env=peer_environment(), check=False
            )
            found = re.search(pattern, done.stdout + done.stderr)
            told.append(f"{name} {found.group(1)}" if found else name)
    return ", ".join(told)


def peer_environment() -> dict[str, str]:
    """The environment in which unpacked programs find their libraries and sysbench its scripts."""
    scripts = f"{UNPACKED}/usr/share/sysbench/?.lua;/usr/share/sysbench/?.lua;;"
    return {**os.environ, **environment(), "PYTHONPATH": str(CHECKOUT), "LUA_PATH": scripts}
