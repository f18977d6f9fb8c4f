"""What tests of several rooms share: one real stack, brought up when the first test asks for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from stack import control


@pytest.fixture(scope="session")
def stack_up() -> Iterator[dict[str, Any]]:
    """The description (target.json) of a stack named `test`, with the small seed; it is gone afterwards."""
    control.down("test")
    target = control.up("test")
    try:
        yield json.loads(target.read_text())
    finally:
        control.down("test")
