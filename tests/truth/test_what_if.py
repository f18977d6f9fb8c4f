"""What the model predicts for another pool and another instance, against what the changed stack carries."""

import sys

import pytest

from tests.truth.what_if import check, table


@pytest.mark.truth
@pytest.mark.stack
@pytest.mark.timeout(600)
def test_a_pool_of_10_and_a_third_web_instance_carry_about_what_was_predicted(tmp_path, capsys) -> None:
    before, checked = check(90.0, tmp_path)
    with capsys.disabled():
        sys.stdout.write(f"\n{before.answer}\n{table(checked)}\n")
    doubts = [reason.text for told in (before, *(one.told for one in checked)) for reason in told.doubts]
    if doubts:
        pytest.skip(f"nothing can be compared: {doubts[0]}")
    for one in checked:
        assert one.after.found
        assert one.within, str(one)
