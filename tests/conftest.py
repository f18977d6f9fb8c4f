"""What tests of several rooms share: one real stack, brought up when the first test asks for it."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from stack import control
from tests.more_servers import why_not_there


@pytest.fixture(scope="session", autouse=True)
def heeds_ctrl_c() -> None:
    """Where a shell began the tests in the background, they and all that they start would ignore Ctrl-C."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def stack_up() -> Iterator[dict[str, Any]]:
    """The description (target.json) of a stack named `test`, with the small seed; it is gone afterwards."""
    control.down("test")
    target = control.up("test")
    try:
        yield json.loads(target.read_text())
    finally:
        control.down("test")


@pytest.fixture(scope="session")
def other_stack() -> Iterator[dict[str, Any]]:
    """A stack named `other` on the other servers: a Redis Cluster, and MySQL where it can be had."""
    settings = {"redis.cluster": "true", "web.instances": "1"}
    if not why_not_there():
        settings["db.server"] = "mysql"
    control.down("other")
    try:
        yield json.loads(control.up("other", settings).read_text())
    finally:
        control.down("other")
