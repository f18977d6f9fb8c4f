"""A search whose every level is chosen, stored as a run, and reviewed from run.db alone."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from analysis.capacity import Capacity, LevelPoint, Review, SloLimit, review
from analysis.capacity.held import Held
from analysis.capacity.judge import Outcome
from analysis.capacity.ladder import ladder
from analysis.forecast import stated
from results import Run, parse_slos
from results.units import show_rate
from tests.analysis.builders import LevelSpec, build_run, spec

SLO = parse_slos("p99 < 250ms")[0]
API_FULL = {("api", "api1", "cpu_ratio"): 0.99}


LIMITED = "generator-limited: g0 used 98% of its core"
CONTRADICTED = "contradicted by a later level at its rate: something else took the machine"


def level(number: int, of: LevelSpec, *, kept: bool = True, problem: str = "") -> LevelPoint:
    outcome: Outcome = "invalid" if problem else "pass" if kept else "fail"
    return LevelPoint(
        number, of.purpose, of.rate_per_s, of.rate_per_s, of.seconds, 1, outcome, kept and not problem,
        True, not kept, (0.5 if kept else 9.0,), (problem,) if problem else (),
    )  # fmt: skip


def full_pool(rate_per_s: float) -> LevelSpec:
    pool = {
        "used": 10.0, "max": 10.0, "pending": 8.0, "wait_count": rate_per_s / 2,
        "wait_seconds": rate_per_s / 2 * 0.08, "use_seconds": 10.0,
    }  # fmt: skip
    said = {("api", "api1", f"pool.replica.{name}"): value for name, value in pool.items()}
    parts = {"db": 9.0, "cache": 1.0, "pool": 80.0}
    return spec(rate_per_s, said, mean_ms=120.0, parts_ms=parts, finished_ratio=0.95)


def full_generator(rate_per_s: float) -> LevelSpec:
    return spec(rate_per_s, {("generator", "g0", "cpu_ratio"): 0.98}, mean_ms=200.0)


LEVELS = [spec(100), spec(200), spec(300), full_pool(420)]


def found_in(levels: list[LevelSpec], problems: dict[int, str] | None = None, **changes: Any) -> Capacity:
    """400/s, or what `changes` say; `problems` are of levels that are no evidence, by number."""
    spoiled = problems or {}
    points = tuple(
        level(n, one, kept=one.rate_per_s < 400, problem=spoiled.get(n, "")) for n, one in enumerate(levels)
    )
    limits = (SloLimit(SLO, 400.0, 390.0, 410.0),)
    told = Capacity(
        True, "", "precise", 400.0, 390.0, 410.0, SLO, limits, points[2], points[3], 0, 405.0, True, 60,
        points,
    )  # fmt: skip
    return replace(told, **changes)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    knobs = {"api.pool_size": 10, "api.instances": 1, "db.max_connections": 200}
    return build_run(
        tmp_path,
        LEVELS,
        forecast=stated(300, 0.04).to_dict(),
        environment={"knobs": knobs},
        slos="p99 < 250ms",
    )


@pytest.fixture
def told(run: Run) -> Review:
    return review(run, found_in(LEVELS))


def test_the_answer_has_its_number_and_its_cause(told: Review) -> None:
    assert told.answer.startswith("400/s within p99 < 250 ms; then the API's replica pool (10 of 10 in use")
    assert told.claimed


def test_a_busy_generator_means_no_claim(tmp_path: Path) -> None:
    busy = [*LEVELS[:3], full_generator(420)]
    told = review(build_run(tmp_path, busy, slos="p99 < 250ms"), found_in(busy))
    assert told.answer.startswith("No capacity is claimed: the load generator was the limit (g0 uses 98%")
    assert not told.claimed
    assert told.first is None
    assert told.scaling is not None
    assert told.scaling.predictions == ()
    assert told.ladder is None


def test_a_try_that_the_generator_spoiled_decides_nothing_where_another_at_its_rate_is_valid(
    tmp_path: Path,
) -> None:
    levels = [*LEVELS[:3], full_generator(420), full_pool(420)]
    told = review(build_run(tmp_path, levels, slos="p99 < 250ms"), found_in(levels, {3: LIMITED}))
    assert told.claimed
    assert told.first is not None
    assert told.first.code == "api-pool"
    assert [one["number"] for one in told.to_dict()["levels"]] == [0, 1, 2, 4]
    assert told.scaling is not None
    assert told.scaling.rate_per_s.size == 3
    assert all(len(row["demand_s"]) == 4 for row in told.to_dict()["saturation"])


def test_what_gave_way_at_a_level_that_was_contradicted_is_not_told(tmp_path: Path) -> None:
    levels = [*LEVELS[:3], full_pool(420), spec(420), spec(600, API_FULL, mean_ms=200.0)]
    told = review(build_run(tmp_path, levels, slos="p99 < 250ms"), found_in(levels, {3: CONTRADICTED}))
    assert told.diagnosis.at == "600/s"
    assert told.first is not None
    assert told.first.code == "api-cpu"


def test_the_generator_is_the_answer_where_it_spoiled_every_level_above_what_was_kept(tmp_path: Path) -> None:
    levels = [*LEVELS[:3], *[full_generator(420)] * 3]
    run = build_run(tmp_path, levels, slos="p99 < 250ms")
    nothing: dict[str, Any] = {"found": False, "rate_per_s": None, "low_per_s": None, "high_per_s": None}
    nothing |= {"first_hit": None, "reason": "not valid", "why": "levels beyond were no evidence"}
    told = review(run, found_in(levels, dict.fromkeys((3, 4, 5), LIMITED), **nothing))
    assert told.diagnosis.state == "generator"
    assert told.answer.startswith("No capacity is claimed: the load generator was the limit (g0 uses 98%")
    assert told.answer.endswith("300/s was kept.")
    lost = review(run, found_in(levels, dict.fromkeys((3, 4, 5), "a worker was lost"), **nothing))
    assert lost.diagnosis.state == "none"
    assert lost.answer == "No capacity is claimed: levels beyond were no evidence; 300/s was kept."
    rungs = ladder(run, lost.capacity)
    assert rungs is not None
    assert rungs.rungs[-1].state == "beyond", "the spoiled levels missed p99 < 250 ms"


def test_where_no_cause_is_found_what_was_not_watched_is_said(tmp_path: Path) -> None:
    late = spec(420, mean_ms=200.0, parts_ms={})
    for name, without, said in (
        ("all", (), "cannot be told: no watched resource was full"),
        (
            "some",
            ("replica", "host"),
            "without watching the read replica (lag) and the machine (CPU by process)",
        ),
    ):
        levels = [replace(one, without=without) for one in (*LEVELS[:3], late)]
        told = review(build_run(tmp_path / name, levels, slos="p99 < 250ms"), found_in(levels))
        assert told.diagnosis.state == "cannot tell"
        assert told.answer.startswith("400/s within p99 < 250 ms; what gives way then ")
        assert told.answer.endswith(said)


def test_headroom_is_that_of_the_stored_forecast(told: Review, run: Run) -> None:
    assert told.headroom is not None
    assert told.headroom.ratio == pytest.approx(0.25)
    assert told.headroom.today == run.started_at.date() == date(2026, 11, 23)
    assert dict(told.headroom.tiers)["web"].at_target == 3  # ceil(300 / (200 x 0.7))


def unbound(**changes: Any) -> Capacity:
    """A search of which every level was kept, up to 300/s."""
    told = found_in(
        LEVELS, found=False, rate_per_s=None, low_per_s=None, high_per_s=None, first_hit=None, limits=(),
        first_fail=None,
    )  # fmt: skip
    return replace(told, levels=told.levels[:3], **changes)


@pytest.mark.parametrize(
    ("peak_per_s", "said"),
    [(240, "with at least 20% to spare"), (400, "not known: tested up to 300/s only")],
)
def test_without_a_bound_headroom_is_told_as_at_least(tmp_path: Path, peak_per_s: float, said: str) -> None:
    run = build_run(tmp_path, LEVELS[:3], forecast=stated(peak_per_s).to_dict(), slos="p99 < 250ms")
    told = review(run, unbound(reason="max rate", why="it never failed"))
    assert told.answer == "The system carries at least 300/s: it never failed."
    assert told.headroom is not None
    assert said in told.headroom.sentence


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        ("not measured", "no request of todo.lost was measured"),
        ("not valid", "levels beyond were no evidence"),
        ("max rate", "3 of the machine's 4 cores went elsewhere"),
    ],
)
def test_where_nothing_is_claimed_there_is_no_headroom_and_no_pair(
    tmp_path: Path, reason: Any, why: str
) -> None:
    others = {("host", "host", "cpu_ratio"): 0.99} if reason == "max rate" else {}
    levels = [spec(rate, others) for rate in (100, 200, 300)]
    run = build_run(tmp_path, levels, forecast=stated(240).to_dict(), slos="p99 < 250ms")
    told = review(run, unbound(reason=reason, why=why))
    assert told.answer.startswith("No capacity is claimed: ")
    assert told.refused
    assert (told.headroom, told.ladder, told.to_dict()["pair"]) == (None, None, None)
    assert told.stated.carried_per_s is None


def test_a_pool_that_each_worker_has_is_held_by_all_of_them(tmp_path: Path) -> None:
    environment = {"workers": {"api1": 4}}
    run = build_run(
        tmp_path, LEVELS, forecast=stated(300).to_dict(), environment=environment, slos="p99 < 250ms"
    )
    told = review(run, found_in(LEVELS))
    assert told.headroom is not None
    # One worker's pool has 4 x 300 / 800 in use at 300/s, and there are four of them.
    assert [pool.in_use for pool in told.headroom.needs[0].pools] == pytest.approx([6, 6], rel=0.1)


def test_connection_arithmetic_is_checked_without_a_forecast(tmp_path: Path) -> None:
    said = {("replica", "replica", "connections_max"): 8.0, ("api", "api1", "pool.replica.max"): 10.0}
    levels = [spec(rate, said) for rate in (100, 200, 300, 420)]
    told = review(build_run(tmp_path, levels, slos="p99 < 250ms"), found_in(levels))
    assert told.headroom is None
    assert any("replica: the pools may open 10 connections" in text for text in told.warnings)


def test_the_ladder_comes_from_the_same_levels(told: Review) -> None:
    assert told.ladder is not None
    states = {rung.slo.limit / 1e3: rung.state for rung in told.ladder.rungs}
    # Calm levels answer in 12 ms on average (gamma, shape 4: p99 is 30 ms), the last one in 120 ms.
    assert states[10] == states[25] == "never"
    assert states[50] == states[100] == states[250] == "found"
    assert told.ladder.critical_per_s is not None
    assert 300 <= told.ladder.critical_per_s <= 420
    assert told.ladder.words == "geometric mean over p99 < 50/100/250 ms; the 2 stricter ones were never kept"


def test_what_ifs_are_predicted_where_the_model_explains_the_limit(told: Review, run: Run) -> None:
    assert told.scaling is not None
    # The limit found (400/s) is far below what any resource of this made-up system can give.
    assert told.scaling.predictions == ()
    assert "what limits is not in the model" in told.scaling.unexplained
    near = 0.8 * told.scaling.bounds[0][1]
    again = review(run, found_in(LEVELS, rate_per_s=near))
    explained = again.scaling
    assert explained is not None
    changes = {one.change: one for one in explained.predictions}
    assert set(changes) >= {"API replica pool: 20 instead of 10", "web instances: 3 instances instead of 2"}
    assert all(one.after_per_s >= 0.99 * near for one in explained.predictions)
    # What to try says what the table says of the same change, and nothing where the table says nothing.
    assert again.first is not None
    row = changes["API replica pool: 20 instead of 10"]
    assert "a pool of 20 instead of 10" in again.first.to_try
    assert f"the {row.limited_by}" in again.first.to_try
    assert f"at about {show_rate(row.after_per_s)}" in again.first.to_try
    assert told.first is not None
    assert told.first.next_limit == ""


def test_littles_law_is_checked_at_every_level(told: Review) -> None:
    for one in told.to_dict()["levels"]:
        assert one["in_flight"] == pytest.approx(one["rate_x_time"], rel=0.25)
        assert one["unsteady"] is False
    last = told.held[-1]
    for flow in last.stretch.flows:
        flow.in_flight //= 2
    last.stretch.__dict__.pop("in_flight")
    missed = Held(last.point, last.stretch).to_dict()
    assert missed["unsteady"] is True
    assert missed["in_flight"] == pytest.approx(missed["rate_x_time"] / 2, rel=0.1)


def test_other_work_on_the_machine_is_a_doubt(tmp_path: Path) -> None:
    others = {("host", "host", "cpu_ratio"): 0.99}
    levels = [spec(rate, others) for rate in (100, 200, 300, 420)]
    told = review(build_run(tmp_path, levels, slos="p99 < 250ms"), found_in(levels))
    assert [doubt.code for doubt in told.doubts] == ["disturbed"]
    assert not told.claimed
    assert told.answer == f"No capacity is claimed: {told.doubts[0].text}; 300/s was kept."
    plain = told.to_dict()
    assert (plain["capacity"]["rate_per_s"], plain["capacity"]["limits"], plain["pair"]) == (None, (), None)


def test_the_review_is_data(told: Review) -> None:
    plain = told.to_dict()
    assert plain["capacity"]["rate_per_s"] == 400
    assert plain["pair"]["highest_at_all_per_s"] == 405
    assert plain["gives_way"]["ranked"][0]["code"] == "api-pool"
    assert plain["headroom"]["needs"][0]["when"] == "at the forecast peak"
