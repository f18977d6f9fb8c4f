"""The real stack, once for all end-to-end tests, driven through the command line as a user would."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
NAME = "e2e"
Harness = Callable[..., "subprocess.CompletedProcess[str]"]


def call(*words: str, timeout_s: float = 120) -> "subprocess.CompletedProcess[str]":
    """`harness WORDS`, with what it printed."""
    command = [sys.executable, str(ROOT / "harness.py"), *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=timeout_s, check=False)


@pytest.fixture(scope="session")
def stack() -> Iterator[str]:
    """A stack of the tests' own, by name."""
    done = call("up", "--name", NAME)
    assert done.returncode == 0, done.stderr
    yield NAME
    assert call("down", "--name", NAME).returncode == 0


@pytest.fixture(scope="session")
def harness() -> Harness:
    """The command line."""
    return call
