"""docs/scenarios.md, "Your own, in ten minutes", step by step and for real."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.conftest import Drive

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "scenarios.md").read_text()
pytestmark = pytest.mark.stack


def written() -> str:
    """The scenario that the page has its reader write."""
    (block,) = re.findall(r"^ *```python\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)
    return textwrap.dedent(block)


def test_the_copy_runs_alone(stack_up: dict[str, Any], tmp_path: Path) -> None:
    (copied,) = re.findall(r"cp (\S+) \S+", PAGE)
    mine = shutil.copy(ROOT / copied, tmp_path / "mine.py")
    command = [sys.executable, "-m", "locust", "-f", str(mine), "--headless", "-u", "2", "-t", "2s"]
    command += ["--host", stack_up["base_url"], "--only-summary"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"/signin +[1-9]\d* +0\(0.00%\)", done.stderr + done.stdout)


def test_the_scenario_of_the_page_answers_and_its_check_is_one(drive: Drive, tmp_path: Path) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text(written())
    right = drive(str(mine), rate_per_s=20, for_s=2)
    assert right.run.merged("/todos").count == right.run.account.scheduled
    assert not right.failures()
    mine.write_text(written().replace('!= {"1"}', '!= {"2"}'))
    wrong = drive(str(mine), rate_per_s=20, for_s=2)
    assert wrong.run.account.failed == wrong.run.account.scheduled
    assert set(wrong.failures()) == {"/todos: check"}
