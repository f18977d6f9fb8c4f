from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.history import HistoryPoint, change_points, histories, history, point_of
from results.catalogue import Entry, read_entry
from tests.reports.sample_run import Shape, write_sample

BEGIN = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)


def points(values: list[float], environments: dict[int, dict[str, Any]] | None = None) -> list[HistoryPoint]:
    """Daily runs; an environment holds from its index on."""
    made, current = [], {"versions": {"redis": "7.0"}}
    for day, value in enumerate(values):
        current = (environments or {}).get(day, current)
        at = BEGIN + timedelta(days=day)
        made.append(HistoryPoint(f"run-{day}", "s.py", "50/s for 60s", "local", at, {"p99": value}, current))
    return made


def noisy(levels: list[tuple[float, int]], seed: int = 3, noise: float = 0.05) -> list[float]:
    random = np.random.default_rng(seed)
    return [float(level * np.exp(random.normal(0, noise))) for level, count in levels for _ in range(count)]


def test_a_step_is_found_where_it_is() -> None:
    assert change_points(np.log(noisy([(100, 12), (130, 12)]))) == [12]


def test_several_steps_are_found() -> None:
    assert change_points(np.log(noisy([(100, 15), (140, 15), (90, 15)]))) == [15, 30]


def test_a_change_that_was_undone_is_found() -> None:
    assert change_points(np.log(noisy([(100, 12), (140, 5), (100, 12)]))) == [12, 17]


def test_noise_alone_has_few_change_points() -> None:
    random = np.random.default_rng(11)
    alarms = [bool(change_points(random.normal(0, 1, 30))) for _ in range(200)]
    assert sum(alarms) <= 7  # 1% of 200 is 2; more than 7 comes by chance less than once in a thousand


@pytest.mark.parametrize("values", [[], [1.0], [5.0, 9.0, 5.0, 9.0, 5.0], [4.0] * 50])
def test_too_few_or_equal_values_have_none(values: list[float]) -> None:
    assert change_points(values) == []


def test_a_change_point_says_what_changed_with_it() -> None:
    after = {"versions": {"redis": "7.2"}, "knobs": {"api.pool_size": 3}}
    found = history(points(noisy([(100, 10), (150, 10)]), {10: after}))
    (change,) = found.changes
    assert change.run_id == "run-10"
    assert change.change == pytest.approx(0.5, abs=0.06)
    assert change.changed == ["knobs api.pool_size: ? → 3", "versions redis: 7.0 → 7.2"]


def test_runs_are_ordered_by_time_and_those_without_the_figure_left_out() -> None:
    made = points([1.0, 2.0, 3.0])
    other = HistoryPoint("x", "s.py", "", "local", BEGIN, {"p50": 1.0}, {})
    assert history([made[2], other, made[0], made[1]]).values.tolist() == [1.0, 2.0, 3.0]


def test_shares_of_zero_are_no_trouble() -> None:
    made = [
        HistoryPoint(f"{day}", "s.py", "", "local", BEGIN + timedelta(days=day), {"errors": share}, {})
        for day, share in enumerate([0.0] * 12 + [0.02, 0.021, 0.019, 0.02, 0.022] * 3)
    ]
    assert [change.index for change in history(made, "errors").changes] == [12]


def test_a_thousand_runs_take_seconds() -> None:
    values = noisy([(100, 300), (111, 300), (102, 400)])
    begin = time.process_time()
    found = history(points(values))
    assert [change.index for change in found.changes] == pytest.approx([300, 600], abs=8)
    assert time.process_time() - begin < 60  # a few seconds on any machine of these years


def test_a_stored_run_is_a_point(tmp_path: Path) -> None:
    figures = {"p99": 5.0, "rate": 60.0}
    shape = Shape(stages="60/s for 10s", warmup_s=2, tiers=("host",), info={"figures": figures})
    point = point_of(read_entry(write_sample(tmp_path, shape)))
    assert point.figures == figures
    assert (point.scenario, point.stages) == ("scenarios/web/trpc.py", "60/s for 10s")


def test_only_runs_that_are_alike_and_can_be_trusted_stand_in_one_history() -> None:
    entry = Entry(
        Path("r"), "run", "s.py", "local", "50/s for 60s", BEGIN, 60, "finished", "pass", {"p99": 1.0}
    )
    others = [
        replace(entry, stages="80/s for 60s", started_at=BEGIN + timedelta(days=1)),
        replace(entry, verdict="not valid"),
        replace(entry, state="interrupted"),
        replace(entry, kind="capacity"),
        replace(entry, figures={}),
        replace(entry, problem="damaged"),
    ]
    found = histories([entry, entry, *others])
    assert [(one.points[0].stages, len(one.points)) for one in found] == [
        ("80/s for 60s", 1),
        ("50/s for 60s", 2),
    ]
