"""Every fault of the stack, on the real stack under load: what is named first is what was wrong."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack import control
from stack.faults import FAULTS
from tests.truth.faults.cases import CASES, Case
from tests.truth.faults.recording import STACK, prove


@pytest.fixture(scope="module", autouse=True)
def taken_down() -> Iterator[None]:
    """The stack is gone afterwards."""
    yield
    control.down(STACK)


def test_every_fault_has_a_case() -> None:
    assert {case.fault for case in CASES} == {"", *FAULTS}


@pytest.mark.truth
@pytest.mark.timeout(600)  # The healthy case is a search of two minutes and up to three runs.
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.fault or "healthy")
def test_the_bottleneck_that_is_named_is_the_right_one(
    case: Case, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    row = prove(case, tmp_path)
    with capfd.disabled():
        print(f"\n{row}", file=sys.stderr)  # noqa: T201 (the table is what this is for)
    assert row.right, row
