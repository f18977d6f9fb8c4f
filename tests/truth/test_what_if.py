"""What the model predicts for larger pools and another instance, against what the changed stack carries."""

import sys

import pytest

from tests.truth.what_if import BUDGET_S, CASES, Case, check, table

MOST_OFF = 0.2
"""Two searches may be off by some percent where the machine changes its speed, and so may the model."""


@pytest.mark.truth
@pytest.mark.stack
@pytest.mark.timeout(900)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.change.words)
def test_the_changed_stack_carries_about_what_was_predicted(case: Case, tmp_path, capsys) -> None:
    checked = check(case, BUDGET_S, tmp_path)
    with capsys.disabled():
        sys.stdout.write(f"\n{table([checked])}\n")
    doubts = [reason.text for told in (checked.before, checked.after) for reason in told.doubts]
    if doubts:
        pytest.skip(f"nothing can be compared: {doubts[0]}")
    assert checked.before.first is not None
    assert checked.before.first.code == case.gives_way
    assert abs(checked.error) <= MOST_OFF, str(checked)
