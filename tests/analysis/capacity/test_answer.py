"""What a search says when it ends, from levels whose shares of slow requests follow from known limits."""

from __future__ import annotations

import pytest

from analysis.capacity.answer import answer
from analysis.capacity.claim import Capacity
from analysis.capacity.findings import Findings
from analysis.capacity.level import Done, Level, LevelResult, Purpose, Reason, Window
from analysis.capacity.settings import Settings
from analysis.slo import Count, allowed
from results import Slo, parse_slos

SLOS = tuple(parse_slos("p99 < 100ms, todo.list p95 < 50ms, errors < 0.1%"))
SLOPE = 40


def held(rate_per_s: int, limits_per_s: dict[Slo, float], purpose: Purpose = "narrow") -> LevelResult:
    """Forty seconds at a rate; at its limit each objective's share of slow requests is what is allowed."""
    shares = {
        slo: min(allowed(slo) * (rate_per_s / limits_per_s[slo]) ** SLOPE, 0.9) if slo in limits_per_s else 0
        for slo in SLOS
    }
    counts = tuple(Count(1000, round(1000 * share, 3)) for share in shares.values())
    windows = tuple(Window(rate_per_s, rate_per_s, 3, 10e3, counts) for _ in range(40))
    return LevelResult(Level(rate_per_s, purpose, 40, 40), windows, 42.0)


def told(*levels: LevelResult, reason: Reason = "precise") -> Capacity:
    findings = Findings(Settings(SLOS))
    for one in levels:
        findings.observe(one)
    return answer(findings, Done(reason))


def search(limits_per_s: dict[Slo, float]) -> Capacity:
    return told(*(held(rate, limits_per_s) for rate in (200, 380, 400, 420, 440, 460, 480, 500)))


@pytest.mark.parametrize("first", [0, 1])
def test_the_objective_with_the_lowest_limit_is_hit_first_also_of_one_endpoint(first: int) -> None:
    limits = {SLOS[first]: 420.0, SLOS[1 - first]: 470.0}
    found = search(limits)
    assert found.found
    assert found.first_hit == SLOS[first]
    assert found.rate_per_s == pytest.approx(420, rel=0.01)
    assert found.low_per_s < found.rate_per_s < found.high_per_s  # type: ignore[operator]
    own = {one.slo: one.rate_per_s for one in found.limits}
    assert {slo: own[slo] for slo in limits} == pytest.approx(limits, rel=0.01)
    assert own[SLOS[2]] is None, "errors were never hit"
    assert found.claim.endswith(f"/s within {SLOS[first].text}.")


def test_last_pass_and_first_fail_lie_on_their_sides_of_the_limit() -> None:
    found = search({SLOS[0]: 430.0})
    assert found.last_pass is not None
    assert found.first_fail is not None
    assert (found.last_pass.rate_per_s, found.first_fail.rate_per_s) == (420, 440)
    assert found.contradicting == 0


def test_levels_that_contradict_each_other_near_the_limit_are_counted() -> None:
    limits = {SLOS[0]: 430.0}
    unlucky, lucky = held(415, {SLOS[0]: 405.0}), held(445, {SLOS[0]: 455.0})
    found = told(*(held(rate, limits) for rate in (200, 400, 410, 420, 440, 450, 480)), unlucky, lucky)
    assert found.rate_per_s == pytest.approx(430, rel=0.02)
    assert found.contradicting == 2
    assert found.last_pass is not None
    assert found.first_fail is not None
    assert (found.last_pass.rate_per_s, found.first_fail.rate_per_s) == (420, 440)


def test_one_bad_level_far_below_rates_that_were_kept_is_no_limit() -> None:
    outlier = held(100, {SLOS[0]: 98.0})
    found = told(outlier, *(held(rate, {}) for rate in (100, 200, 400, 800)), reason="max rate")
    assert not found.found
    assert found.limits[0].rate_per_s is None
    assert found.claim == "The system carries at least 800/s: it never failed up to the highest rate allowed."


def test_where_nothing_was_kept_there_is_no_limit_either() -> None:
    found = told(*(held(rate, {SLOS[0]: 1.5}) for rate in (4, 2)), reason="min rate")
    assert not found.found
    assert found.claim == (
        "No rate within the objectives was found: it failed at the lowest rate allowed; 2/s failed."
    )


def test_what_a_last_level_confirmed_is_told_with_its_rate() -> None:
    limits = {SLOS[0]: 430.0}
    levels = [held(rate, limits) for rate in (200, 400, 420, 440, 460)]
    assert told(*levels).confirmed_per_s is None
    assert told(*levels, held(405, limits, "confirm")).confirmed_per_s == 405
    failed = held(440, limits, "confirm")
    assert told(*levels, failed).confirmed_per_s is None
    assert told(*levels, failed, held(390, limits, "confirm")).confirmed_per_s == 390
