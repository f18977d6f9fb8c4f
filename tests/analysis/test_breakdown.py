from __future__ import annotations

import numpy as np
import pytest

from analysis.breakdown import in_order, taken_apart


def apart(service_ms: float, **parts_ms: float) -> dict[str, float]:
    told = {name: np.array(ms) for name, ms in parts_ms.items()}
    return {name: float(ms) for name, ms in taken_apart(told, np.array(service_ms)).items()}


def test_parts_and_what_none_explains_add_up_to_the_service_time() -> None:
    found = apart(20.0, pool=1.0, db=5.0, cache=2.0)
    assert found == {"cache": 2.0, "db": 5.0, "pool": 1.0, "other": 12.0}


def test_total_is_no_part_but_parts_own_work_from_what_is_outside() -> None:
    found = apart(20.0, total=15.0, pool=1.0, db=5.0)
    assert found == {"db": 5.0, "pool": 1.0, "own work": 9.0, "outside": 5.0}


def test_calls_that_a_page_makes_are_not_counted_beside_their_own_parts() -> None:
    found = apart(30.0, total=24.0, api=16.0, render=3.0, db=9.0, cache=2.0)
    assert found["API"] == 5.0
    assert found["own work"] == pytest.approx(24 - 16 - 3)
    assert sum(found.values()) == pytest.approx(30.0)


def test_a_page_that_waits_for_a_worker_does_not_wait_in_the_api() -> None:
    found = apart(34.0, total=28.0, api=16.0, render=3.0, db=9.0, cache=2.0, **{"web-queue": 4.0})
    assert (found["API"], found["web-queue"]) == (5.0, 4.0)
    assert sum(found.values()) == pytest.approx(34.0)


def test_nothing_is_below_zero_where_clocks_disagree() -> None:
    found = apart(4.0, total=5.0, db=6.0)
    assert min(found.values()) >= 0


def test_arrays_keep_what_is_unknown_unknown() -> None:
    found = taken_apart({"db": np.array([1.0, np.nan])}, np.array([3.0, np.nan]))
    assert found["other"][0] == 2.0
    assert np.isnan(found["other"][1])


def test_what_no_part_explains_stands_last() -> None:
    assert [name for name, _ in in_order({"outside": 9.0, "db": 1.0, "cache": 2.0})] == [
        "cache",
        "db",
        "outside",
    ]
