"""docs/scenarios.md, "Your own, in ten minutes", steps 3 to 5, for real."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from tests.scenarios.conftest import Drive

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "scenarios.md").read_text()
pytestmark = pytest.mark.stack


def written() -> str:
    """The scenario that the page has its reader write."""
    (block,) = re.findall(r"^ *```python\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)
    return textwrap.dedent(block)


def test_the_scenario_of_the_page_answers_and_its_check_is_one(drive: Drive, tmp_path: Path) -> None:
    right = written()
    changed = right.replace('!= {"1"}', '!= {"2"}').replace("MemberUser", "ChangedUser")
    mine = tmp_path / "mine.py"
    mine.write_text(right + changed.replace('name="/todos"', 'name="changed"').partition('todos."""')[2])
    driven = drive(str(mine), rate_per_s=20, for_s=2)
    assert driven.run.merged("/todos").count > 0
    failed = driven.failures()
    assert failed == {"changed: check": driven.run.merged("changed").count}
    assert failed.total() == driven.run.account.failed > 0
