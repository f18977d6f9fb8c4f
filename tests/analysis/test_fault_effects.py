"""What a fault did, on runs whose every second is chosen: 12 s of levels, the fault in the second of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.fault_effects import FaultEffect, fault_effects
from results import Endpoint, Event, Histogram, Interval
from tests.analysis.builders import LevelSpec, build_run, spec

CALM = spec(100)
BEGAN_S, ENDED_S = 12.2, 24.1


def told(name: str = "web1-down", ended: bool = True) -> list[Event]:
    """The events that the drive writes for a fault."""
    begin = Event(
        BEGAN_S, "fault", f"fault {name}: it is killed", data={"name": name, "from_s": BEGAN_S, "to_s": None}
    )
    end = Event(
        ENDED_S, "fault", f"fault {name} is over", data={"name": name, "from_s": BEGAN_S, "to_s": ENDED_S}
    )
    return [begin, end] if ended else [begin]


def effect_of(folder: Path, *levels: LevelSpec, ended: bool = True) -> FaultEffect:
    run = build_run(folder, levels, capacity=False, events=told(ended=ended))
    (found,) = fault_effects(run)
    return found


def test_failed_requests_are_a_sign_and_are_counted(tmp_path: Path) -> None:
    broken = spec(100, failed_ratio=0.25, errors={"HTTP 502": 25})
    found = effect_of(tmp_path, CALM, broken, CALM)
    assert (found.name, found.text) == ("web1-down", "it is killed")
    assert found.sign == "failed requests: HTTP 502"
    assert found.detect_s == pytest.approx(0.8)  # by the end of the second in which it began
    assert found.failed == pytest.approx(0.25 * 12 * 100, rel=0.1)
    assert found.recover_s == pytest.approx(25 - ENDED_S)


def test_a_tier_that_is_taken_out_is_a_sign_though_nothing_fails(tmp_path: Path) -> None:
    found = effect_of(tmp_path, CALM, spec(100, {("lb", "web/web1", "up"): 0}), CALM)
    assert found.sign == "the load balancer has taken web1 out"
    assert found.failed == 0


def test_an_instance_that_does_not_answer_is_a_sign(tmp_path: Path) -> None:
    found = effect_of(tmp_path, CALM, spec(100, gaps=[("jobs", "jobs1")]), CALM)
    assert found.sign == "jobs1 does not answer"


def test_seconds_far_slower_than_all_before_are_a_sign(tmp_path: Path) -> None:
    found = effect_of(tmp_path, CALM, spec(100, mean_ms=80), CALM)
    assert found.sign.startswith("p90 ")
    assert found.detect_s == pytest.approx(0.8)


def test_a_first_second_in_which_users_only_signed_in_hides_nothing_that_is_slow(tmp_path: Path) -> None:
    times = Histogram.from_values_us([90_000.0] * 5)
    signing_in = Interval(0, "g0", Endpoint("sign in", "page", True), times, times.copy())
    levels = [spec(0, seconds=1), spec(100, seconds=11), spec(100, mean_ms=80), CALM]
    run = build_run(tmp_path, levels, capacity=False, events=told(), intervals=[signing_in])
    (found,) = fault_effects(run)
    assert found.sign.startswith("p90 ")


def test_a_fault_that_nobody_notices_is_never_shown(tmp_path: Path) -> None:
    found = effect_of(tmp_path, CALM, spec(100), CALM)
    assert found.detect_s is None
    assert found.sign == ""
    assert found.failed == 0


def test_what_was_so_before_is_no_sign(tmp_path: Path) -> None:
    usual = spec(100, {("replica", "replica", "lag_ms"): 900}, failed_ratio=0.02, errors={"HTTP 500": 2})
    assert effect_of(tmp_path, usual, usual, usual).detect_s is None


def test_a_run_that_never_gets_well_again_says_so_and_counts_to_its_end(tmp_path: Path) -> None:
    broken = spec(100, failed_ratio=0.25, errors={"HTTP 502": 25})
    found = effect_of(tmp_path, CALM, broken, broken)
    assert found.recover_s is None
    assert found.requests == pytest.approx(2400, rel=0.1)


def test_recovery_takes_as_long_as_signs_go_on(tmp_path: Path) -> None:
    broken = spec(100, failed_ratio=0.25, errors={"HTTP 502": 25})
    lingering = spec(100, seconds=4, mean_ms=90)
    found = effect_of(tmp_path, CALM, broken, lingering, CALM)
    assert found.recover_s == pytest.approx(28 - ENDED_S)


def test_a_fault_that_a_killed_run_did_not_see_end_lasts_to_the_end(tmp_path: Path) -> None:
    found = effect_of(tmp_path, CALM, spec(100, {("lb", "web/web1", "up"): 0}), ended=False)
    assert found.to_s == 24
    assert found.recover_s is None


def test_a_run_without_faults_has_none(tmp_path: Path) -> None:
    assert fault_effects(build_run(tmp_path, [CALM], capacity=False)) == []
