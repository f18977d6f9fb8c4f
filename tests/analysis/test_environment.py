from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from analysis.environment import comparable, differences, host_differences
from results import Run, open_run
from tests.reports.sample_run import ENVIRONMENT, Shape, write_sample

SHORT = "60/s for 12s"


def sample(tmp_path: Path, name: str, **info: Any) -> Run:
    stages = info.pop("stages", SHORT)
    shape = Shape(stages=stages, warmup_s=2, slos="", tiers=("host",), web1_down=False, info=info)
    return open_run(write_sample(tmp_path, shape, name))


def test_alike_runs_can_be_compared(tmp_path: Path) -> None:
    assert comparable([sample(tmp_path, "before"), sample(tmp_path, "after")]) == []


@pytest.mark.parametrize(
    ("info", "reason"),
    [
        ({"scenario": "scenarios/db/reads.py"}, "after ran scenarios/db/reads.py"),
        ({"stages": "80/s for 12s"}, "after had the stages"),
        ({"warmup_s": 4}, "after warmed up for 4 s"),
        ({"state": "aborted"}, "after is not valid: the run was aborted"),
        ({"environment": ENVIRONMENT | {"host": {"cpu": "Intel"}}}, "another kind of host than before: cpu"),
    ],
)
def test_what_cannot_be_compared_is_said(tmp_path: Path, info: dict[str, Any], reason: str) -> None:
    state = info.pop("state", None) if "state" in info else None
    after = sample(tmp_path, "after", **info)
    if state:
        after.info["state"] = state
    found = comparable([sample(tmp_path, "before"), after])
    assert len(found) >= 1
    assert any(reason in one for one in found)


def test_hosts_of_one_kind_may_differ_in_name_and_a_little_memory() -> None:
    one = {"name": "a", "cpus": 4, "memory_bytes": 16e9, "system": "Linux 6.1"}
    assert host_differences(one, one | {"name": "b", "memory_bytes": 15.8e9, "system": "Linux 6.6"}) == []
    assert host_differences(one, one | {"cpus": 8}) == ["cpus 4 → 8"]
    assert host_differences(one, one | {"memory_bytes": 8e9}) == ["memory 14.9 GiB → 7.45 GiB"]
    assert host_differences(one, one | {"system": "Darwin 24"}) == ["system Linux → Darwin"]


def test_differences_name_each_fact() -> None:
    before = {"knobs": {"api.pool_size": 10, "web.instances": 2}, "versions": {"redis": "7.0"}}
    after = {"knobs": {"api.pool_size": 3, "web.instances": 2}, "versions": {}}
    found = differences([before, after])
    assert [one.text for one in found] == ["knobs api.pool_size: 10 → 3", "versions redis: 7.0 → ?"]
