"""The plugin under real Locust processes: what a scenario may look like, and that it is left as it is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.truth.loads import ROOT, Seen, calibrated_server, run_load

MANY_WAYS = Path(__file__).with_name("many_ways.py")


def requests(seen: Seen, setup: bool = False) -> Counter[str]:
    """Requests by name."""
    counted: Counter[str] = Counter()
    for piece in seen.intervals:
        if piece.endpoint.setup == setup:
            counted[piece.endpoint.name] += piece.count
    return counted


@pytest.fixture(scope="module")
def many_ways(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    with calibrated_server("--slots", "50", "--service", "0.005") as (url, _):
        return run_load(url, tmp_path_factory.mktemp("load"), "150/s for 3s", scenario=MANY_WAYS)


def test_each_iteration_is_one_arrival_also_after_an_interrupt(many_ways: Seen) -> None:
    made = requests(many_ways)
    iterations = made["basket"] + made["pay"] + made["page"] + made["before"]
    assert iterations == many_ways.account.scheduled
    assert many_ways.account.missing == 0


def test_arrivals_are_shared_among_user_classes_by_weight(many_ways: Seen) -> None:
    made = requests(many_ways)
    total = many_ways.account.scheduled
    assert (made["basket"] + made["pay"]) / total == pytest.approx(0.5, abs=0.1)
    assert made["page"] / total == pytest.approx(0.25, abs=0.1)


def test_requests_made_side_by_side_belong_to_their_arrival(many_ways: Seen) -> None:
    made = requests(many_ways)
    assert made["asset"] == 2 * made["page"] > 0


def test_sign_in_is_setup_and_load_begins_after_it(many_ways: Seen) -> None:
    assert set(requests(many_ways, setup=True)) == {"sign-in"}
    assert "sign-in" not in requests(many_ways)


def test_a_task_that_raises_fails_its_arrival_under_its_own_name(many_ways: Seen) -> None:
    made = requests(many_ways)
    assert many_ways.account.failed == made["broken"] == made["before"] > 0
    errors = [piece.errors for piece in many_ways.intervals if piece.endpoint.name == "broken"]
    assert {kind for each in errors for kind in each} == {"KeyError"}
    (told,) = many_ways.said("event")
    assert told["kind"] == "task-error"
    assert "own mistake" in told["text"]


def test_the_closed_model_keeps_its_users_and_their_think_time(tmp_path: Path) -> None:
    scenario = tmp_path / "thinking_users.py"
    scenario.write_text(
        "from locust import constant\nfrom tests.truth.one_request import OneRequest as Plain\n"
        "class Thinking(Plain):\n    wait_time = constant(0.09)\ndel Plain\n"
    )
    with calibrated_server("--slots", "50", "--service", "0.01") as (url, _):
        stages = "10 users for 2s, 4 users for 2s"
        seen = run_load(url, tmp_path, stages, scenario=scenario, grace_s=1)
    by_second = {flow.second: flow for flow in seen.flows}
    assert by_second[1].users == 10
    assert by_second[3].users == 4
    # Each user makes at most one request in 0.1 s.
    assert 0.6 * 10 * 10 < by_second[1].finished <= 10 * 10 + 10
    assert seen.account.missing == 0
    assert seen.account.finished == seen.account.scheduled


def test_a_rare_class_of_users_is_not_kept_waiting_by_the_others(tmp_path: Path) -> None:
    scenario = tmp_path / "rare_users.py"
    scenario.write_text(
        "from locust import task\nfrom load.users import LeanHttpUser\n"
        "class Common(LeanHttpUser):\n    weight = 98\n"
        "    @task\n    def ask(self): self.client.get('/', name='common')\n"
        "class Rare(LeanHttpUser):\n    weight = 2\n"
        "    @task\n    def ask(self): self.client.get('/', name='rare')\n"
    )
    with calibrated_server("--slots", "50", "--service", "0.001") as (url, _):
        seen = run_load(url, tmp_path, "40/s for 3s", scenario=scenario, grace_s=5)
    made = requests(seen)
    assert made["rare"] > 0
    assert seen.account.finished == seen.account.scheduled == made["rare"] + made["common"]


def test_users_come_as_they_are_needed(tmp_path: Path) -> None:
    with calibrated_server("--slots", "500", "--service", "0.5") as (url, _):
        seen = run_load(url, tmp_path, "200/s for 3s")
    # Little's law: 200/s x 0.5 s are busy, twice as many as were there at first.
    assert seen.said("ready")[0]["users"] < 100
    assert max(flow.users for flow in seen.flows) > 100
    assert seen.account.finished == seen.account.scheduled


def test_there_are_never_more_users_than_allowed(tmp_path: Path) -> None:
    with calibrated_server("--slots", "500", "--service", "0.5") as (url, _):
        seen = run_load(url, tmp_path, "200/s for 2s", max_users=30)
    assert max(flow.users for flow in seen.flows) == 30
    assert max(flow.backlog for flow in seen.flows) > 0
    assert seen.response().quantile_us(0.9) > 1.5 * seen.service().quantile_us(0.9)
    assert seen.account.finished == seen.account.scheduled


def test_users_that_cannot_start_end_the_run_with_the_reason(tmp_path: Path) -> None:
    scenario = tmp_path / "cannot_start.py"
    scenario.write_text(
        "from tests.truth.one_request import OneRequest as Plain\n"
        "class Refused(Plain):\n"
        "    def on_start(self):\n        raise ValueError('wrong password')\n"
        "del Plain\n"
    )
    with calibrated_server() as (url, _):
        seen = run_load(url, tmp_path, "10/s for 30s", scenario=scenario, grace_s=1)
    assert any(e["kind"] == "aborted" and "wrong password" in e["text"] for e in seen.said("event"))
    assert seen.account.missing == 0


def test_a_scenario_runs_alone_under_plain_locust() -> None:
    files = "tests/scenarios/until_seen.py,tests/truth/one_request.py"
    with calibrated_server("--service", "0.001") as (url, _):
        command = [
            sys.executable,
            "-m",
            "locust",
            "-f",
            files,
            "--headless",
            "-u",
            "2",
            "--host",
            url,
            "--json",
        ]
        environment = os.environ | {"UNTIL_SEEN": '{"ask": 1}'}
        ran = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=90, check=False
        )
    assert ran.returncode == 0, ran.stderr
    assert '"name": "ask"' in ran.stdout
