"""A recorded capacity search of the default stack, with its load on the same two cores: the CPU gave way."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.bottleneck import Levels, Stretch, diagnose, diagnose_levels, stretches
from results import Run
from tests.analysis.recorded import SEARCHES, unpack


@pytest.fixture
def search(tmp_path: Path) -> Run:
    return unpack(SEARCHES / "default-stack.1.db.xz", tmp_path)


def cpu_by_the_second(run: Run, level: Stretch) -> list[float]:
    """The host's samples that end a second of the level, as they were stored."""
    (host,) = [one for one in run.series() if (one.tier, one.metric) == ("host", "cpu_ratio")]
    inside = (host.at_s > level.from_s) & (host.at_s <= level.to_s)
    return [float(value) for value in host.values[inside]]


def test_the_cpu_is_named_at_the_short_level_that_broke_down(search: Run) -> None:
    (broken,) = [level for level in stretches(search) if level.missed]
    busy = cpu_by_the_second(search, broken)
    assert len(busy) == 4
    assert min(busy) >= 0.9
    diagnosis = diagnose(search)
    assert diagnosis.state == "found"
    assert diagnosis.first is not None
    assert diagnosis.first.code == "host-cpu"
    assert f"{sum(busy) / 4:.0%} of 2 cores busy at 400/s" in diagnosis.sentence
    assert "api1 0.6" in diagnosis.sentence
    # The pool and the workers were full too, for want of CPU: each is told, as a consequence.
    others = {one.code: one.explained_by for one in diagnosis.ranked[1:]}
    assert others["api-pool"] == "host-cpu"
    assert others["api-workers"]


def test_of_the_levels_that_it_carried_none_is_said_to_give_way(search: Run) -> None:
    kept = tuple(level for level in stretches(search) if not level.missed)
    for level in kept:
        diagnosis = diagnose_levels(Levels(level, kept[0], kept), search.digests)
        assert diagnosis.state == "none", diagnosis.sentence
