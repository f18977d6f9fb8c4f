"""Whether this machine is fit to run the stack and to make load."""

from __future__ import annotations

import os
import resource
import sys
from dataclasses import dataclass

import psutil

from stack.errors import StackError
from stack.programs import find_program

FEWEST_FILES = 4096
LEAST_MEMORY_BYTES = 2 * 1024**3
LEAST_DISK_BYTES = 2 * 1024**3
PROGRAMS = {
    "HAProxy": ("haproxy",),
    "MariaDB": ("mariadbd", "mysqld"),
    "Redis": ("redis-server", "redis-check-rdb"),
}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    what: str
    found: str
    ok: bool
    advice: str = ""


def examine() -> list[Finding]:
    """Look at everything; what is not ok carries its advice."""
    return [_python(), *_programs(), _cpus(), _memory(), _files(), _disk()]


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    return Finding("Python", found, sys.version_info >= (3, 11), "use Python 3.11 or newer")


def _programs() -> list[Finding]:
    findings = []
    for what, names in PROGRAMS.items():
        try:
            findings.append(Finding(what, str(find_program(*names)), True))
        except StackError as missing:
            findings.append(Finding(what, "missing", False, str(missing)))
    return findings


def _cpus() -> Finding:
    count = os.cpu_count() or 1
    return Finding(
        "CPUs", str(count), count >= 2, "load and system share one CPU: figures will be of both together"
    )


def _memory() -> Finding:
    free = psutil.virtual_memory().available
    return Finding(
        "memory", f"{free / 1024**3:.1f} GiB free", free >= LEAST_MEMORY_BYTES, "the stack wants about 1 GiB"
    )


def _files() -> Finding:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    advice = f"'ulimit -n {hard}' raises it: each user and each connection needs one"
    return Finding("open files", str(soft), soft >= FEWEST_FILES, advice)


def _disk() -> Finding:
    free = psutil.disk_usage(".").free
    return Finding(
        "disk", f"{free / 1024**3:.0f} GiB free", free >= LEAST_DISK_BYTES, "runs and seeds need some space"
    )
