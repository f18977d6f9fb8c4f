"""Recorded runs of the real stack with each fault: what is named first today is what was wrong then.

Files are FAULT.SEED.db.xz: runs that `python -m tests.truth.faults` made, packed by tests.analysis.recorded.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.bottleneck import diagnose
from stack.faults import FAULTS
from tests.analysis.recorded import FAULTS as RECORDED
from tests.analysis.recorded import unpack
from tests.truth.faults.cases import CASES

FILES = sorted(RECORDED.glob("*.db.xz"))
NAMED = {case.fault or "healthy": case.named for case in CASES}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name.removesuffix(".db.xz"))
def test_what_is_named_first_is_what_was_wrong(file: Path, tmp_path: Path) -> None:
    diagnosis = diagnose(unpack(file, tmp_path))
    first = diagnosis.first
    assert (first.code if first else "") == NAMED[file.name.split(".")[0]], diagnosis.sentence
    assert diagnosis.state == ("found" if first else "none")


def test_every_fault_was_recorded() -> None:
    assert {file.name.split(".")[0] for file in FILES} == {"healthy", *FAULTS}
