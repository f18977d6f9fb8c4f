from __future__ import annotations

from pathlib import Path

import pytest

from reports.run_data import RunReport, read_report
from results import open_run
from tests.reports.sample_run import Shape, write_sample

SHORT = "ramp to 200/s over 20s, 180/s for 20s"


@pytest.fixture(scope="session")
def sample_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("runs"), Shape(stages=SHORT, warmup_s=5))


@pytest.fixture(scope="session")
def sample_report(sample_path: Path) -> RunReport:
    return read_report(open_run(sample_path))
