"""What a run was made on: this machine and the versions of what took part."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import psutil

from drive.target import Target

HARNESS_VERSION = "0.1.0"


def environment(target: Target) -> dict[str, Any]:
    """`versions`, `knobs`, `target`, `workers` (by instance, where several) and `host`, as plain data."""
    return {
        "versions": {
            "harness": HARNESS_VERSION,
            "python": platform.python_version(),
            **{name: _version(name) for name in ("locust", "gevent", "httptools")},
            **target.versions,
        },
        "knobs": dict(target.knobs),
        "target": target.facts(),
        "workers": {
            one.name: one.workers for one in (*target.web, *target.api, *target.jobs) if one.workers > 1
        },
        "host": {
            "system": f"{platform.system()} {platform.release()}",
            "machine": platform.machine(),
            "cpus": psutil.cpu_count() or 0,
            "memory_bytes": psutil.virtual_memory().total,
            "implementation": sys.implementation.name,
        },
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "?"
