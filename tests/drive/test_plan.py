from pathlib import Path
from typing import Any

import pytest

from analysis.compare.tolerance import parse_tolerances
from drive.plan import PLANS, find_scenario, plan_from
from results import Stages, UsageError


def test_a_scenario_is_found_by_path_and_by_short_name() -> None:
    assert find_scenario("scenarios/web/trpc.py") == find_scenario("web/trpc")


def test_an_unknown_scenario_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="did you mean scenarios/web/trpc.py"):
        find_scenario("scenarios/web/trcp.py")


def test_a_rate_and_a_time_make_one_hold_in_the_open_model() -> None:
    plan = plan_from("web/trpc", rate_per_s=50, for_s=30)
    assert plan.stages == Stages.constant(50, 30)
    assert plan.stages.open


def test_users_make_the_closed_model() -> None:
    plan = plan_from("web/trpc", users=7, for_s=30)
    assert plan.stages == Stages.constant(7, 30, open=False)


def test_rate_and_users_together_are_refused() -> None:
    with pytest.raises(UsageError, match="one of --rate, --users and --stages"):
        plan_from("web/trpc", rate_per_s=5, users=5)


def test_the_warm_up_is_a_fifth_of_the_first_hold_and_at_most_ten_seconds() -> None:
    assert plan_from("web/trpc", rate_per_s=5, for_s=20).warmup_s == 4
    assert plan_from("web/trpc", rate_per_s=5, for_s=600).warmup_s == 10


def test_a_warm_up_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="leaves nothing"):
        plan_from("web/trpc", rate_per_s=5, for_s=10, warmup_s=10)


@pytest.mark.parametrize(("text", "warmup_s"), [("0s", 0), ("3s", 3), (None, 6)])
def test_a_plan_says_its_warm_up_also_that_there_is_none(
    tmp_path: Path, text: str | None, warmup_s: float
) -> None:
    file = tmp_path / "cold.toml"
    said = "" if text is None else f"warmup = '{text}'\n"
    file.write_text(f'scenario = "web/trpc"\nstages = "5/s for 30s"\n{said}')
    assert plan_from(str(file)).warmup_s == warmup_s
    assert plan_from(str(file), warmup_s=0).warmup_s == 0


@pytest.mark.parametrize(
    "asked", [{"rate_per_s": 0.0}, {"users": 0}, {"for_s": 0.0}, {"stages": "0/s for 9s"}]
)
def test_a_plan_that_makes_no_load_is_refused_in_one_line(asked: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="makes no load: give") as refused:
        plan_from("web/trpc", **asked)
    assert "\n" not in str(refused.value)


def test_a_named_plan_brings_its_stages_and_objectives() -> None:
    plan = plan_from("demo")
    assert plan.scenario_name == "scenarios/web/trpc.py"
    assert [slo.text for slo in plan.slos] == ["p99 < 250 ms", "errors < 0.1%"]
    assert plan.stages.peak == 120


@pytest.mark.parametrize("name", [file.stem for file in PLANS.glob("*.toml")])
def test_every_plan_that_ships_can_be_begun(name: str) -> None:
    plan = plan_from(name)
    assert plan.scenario.is_file()
    assert plan.warmup_s < plan.stages.duration_s


def test_a_day_lasts_four_minutes() -> None:
    assert plan_from("diurnal").stages.duration_s == 24 * 10


def test_a_plan_with_an_unknown_key_is_refused_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "odd.toml"
    file.write_text('scenario = "web/trpc"\nstages = "5/s for 5s"\nsloo = "p99<1s"\n')
    with pytest.raises(UsageError, match=r"odd\.toml: sloo") as refused:
        plan_from(str(file))
    assert "\n" not in str(refused.value)


def test_a_plan_says_how_much_worse_is_allowed_by_metric_and_endpoint(tmp_path: Path) -> None:
    file = tmp_path / "checked.toml"
    file.write_text(
        'scenario = "web/trpc"\nstages = "5/s for 5s"\n[tolerances]\np99 = "10%"\n"todo.list p99" = "15%"\n'
    )
    plan = plan_from(str(file))
    assert plan.tolerances.metric("todo.list", "p99").tolerance == 0.15
    assert plan.tolerances.metric("todo.create", "p99").tolerance == 0.10
    assert parse_tolerances(plan.public()["tolerances"]) == plan.tolerances


def test_a_tolerance_that_cannot_be_understood_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "odd.toml"
    file.write_text('scenario = "web/trpc"\nstages = "5/s for 5s"\n[tolerances]\np98 = "10%"\n')
    with pytest.raises(UsageError, match="'p98 10%' is not a tolerance"):
        plan_from(str(file))


LINE = '::1 - - [24/Nov/2026:12:00:%02d +0000] "%s /a HTTP/1.1" 200 1 "-" "-"\n'


def test_a_replay_plan_takes_its_rate_over_time_from_the_log(tmp_path: Path) -> None:
    seconds = [0, 0, 0, 1, 4, 4]
    text = "".join(LINE % (second, "GET") for second in seconds) + LINE % (2, "POST")
    (tmp_path / "access.log").write_text(text)
    file = tmp_path / "again.toml"
    file.write_text('replay = "access.log"\nslo = "errors < 1%"\n')
    plan = plan_from(str(file))
    assert plan.scenario_name == "scenarios/web/replay_log.py"
    assert [plan.stages.rate_at(second + 0.5) for second in range(5)] == [3, 1, 0, 0, 2]
    assert plan.stages.cumulative(plan.stages.duration_s) == 6
    assert plan.notes == ("6 requests of access.log at 1 times their speed; left out: 1 POST",)
    file.write_text('replay = "access.log"\nspeed = 5\n')
    assert plan_from(str(file)).stages == Stages.constant(6, 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('replay = "nothing.log"', "there is no access log nothing.log"),
        ('replay = "empty.log"', "no GET, HEAD request to replay"),
        ('replay = "empty.log"\nstages = "1/s for 1s"', "either stages or a replay"),
        ('replay = "empty.log"\nspeed = 0', "speed: input should be greater than 0"),
        ('scenario = "web/trpc"', "either stages or a replay"),
        ('stages = "1/s for 1s"', "scenario is missing"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "empty.log").write_text("")
    file = tmp_path / "odd.toml"
    file.write_text(text)
    with pytest.raises(UsageError, match=said):
        plan_from(str(file))


def test_a_replay_s_rate_is_not_for_the_command_line_to_say(tmp_path: Path) -> None:
    (tmp_path / "access.log").write_text(LINE % (0, "GET"))
    file = tmp_path / "again.toml"
    file.write_text('replay = "access.log"')
    with pytest.raises(UsageError, match="those of its log"):
        plan_from(str(file), rate_per_s=5)
