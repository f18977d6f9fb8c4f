"""Servers that Debian's stable release lacks: fetched once into .servers/more, or the test is skipped."""

from __future__ import annotations

import subprocess
from functools import cache

import pytest

from stack.programs import CHECKOUT

_WITHIN_S = 240


def need_more_servers() -> None:
    """See to it that MySQL and nginx are there; skips the test, with the reason, where they cannot be had."""
    reason = why_not_there()
    if reason:
        pytest.skip(reason)


@cache
def why_not_there() -> str:
    """Fetch them, once; why they cannot be had, empty where they are there."""
    try:
        done = subprocess.run(
            [str(CHECKOUT / "tools" / "more-servers.sh")],
            capture_output=True,
            text=True,
            timeout=_WITHIN_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"fetching MySQL and nginx did not end within {_WITHIN_S} s"
    if done.returncode:
        return f"MySQL and nginx cannot be had: {(done.stderr or done.stdout).strip().splitlines()[-1:]}"
    return ""
