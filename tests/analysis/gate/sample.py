"""A stored run to be judged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from results import Run, open_run
from tests.reports.sample_run import Shape, write_sample


def sample(tmp_path: Path, name: str, slos: str = "", **changes: Any) -> Run:
    settings: dict[str, Any] = {"stages": "120/s for 40s", "warmup_s": 5, "web1_down": False} | changes
    return open_run(write_sample(tmp_path, Shape(slos=slos, **settings), name))
