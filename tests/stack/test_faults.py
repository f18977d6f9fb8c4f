from pathlib import Path

import pytest

from stack import faults
from stack.asked import FAULT_KNOBS, Asked
from stack.errors import SettingError


def test_an_unknown_fault_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(SettingError, match=r"unknown fault 'replica-stoped': did you mean replica-stopped\?"):
        faults.check_names(["replica-stoped"])


@pytest.mark.parametrize("fault", FAULT_KNOBS)
def test_a_fault_that_is_a_knob_changes_what_the_stack_is_brought_up_with(fault: str) -> None:
    assert Asked({}, (fault,)).knobs() != Asked({}).knobs()


def test_a_fault_that_is_a_knob_cannot_begin_during_a_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HARNESS_STATE", str(tmp_path))
    with pytest.raises(SettingError, match="harness up --fault small-pool"):
        faults.start("any", "small-pool")
