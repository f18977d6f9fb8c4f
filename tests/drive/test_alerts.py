from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from drive.alerts import rules_for
from drive.plan import plan_from
from drive.target import TARGETS, Target
from harness import main
from results import UsageError

RULES = "groups:\n- name: g\n  rules:\n  - alert: Down\n    expr: up == 0\n"
TARGET = 'base_url = "http://127.0.0.1:1"\nallow_load = true\n'


def target(folder: Path, more: str = "") -> Target:
    (folder / "here.toml").write_text(TARGET + more)
    return Target.from_toml(folder / "here.toml")


def test_rules_lie_beside_the_plan_or_the_target_that_names_them(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(RULES)
    (tmp_path / "plan.toml").write_text(
        'scenario = "web/trpc"\nstages = "5/s for 9s"\nalerts = "rules.yml"\n'
    )
    kept = {"source": "rules.yml", "text": RULES}
    assert rules_for(plan_from(str(tmp_path / "plan.toml")), target(tmp_path)) == kept
    assert rules_for(plan_from("web/trpc"), target(tmp_path, 'alerts = "rules.yml"\n')) == kept
    assert rules_for(plan_from("web/trpc"), target(tmp_path)) is None


def test_rules_that_ship_can_be_evaluated(tmp_path: Path) -> None:
    kept = rules_for(plan_from("web/trpc", alerts=TARGETS / "alerts.yml"), target(tmp_path))
    assert kept is not None


@pytest.mark.parametrize(
    ("text", "said"),
    [(None, "No such file"), ("groups: [", "no YAML"), (RULES.replace("up == 0", "topk(1, up)"), "topk()")],
)
def test_bad_rules_are_refused_before_anything_starts(tmp_path: Path, text: str | None, said: str) -> None:
    if text is not None:
        (tmp_path / "rules.yml").write_text(text)
    with pytest.raises(UsageError, match="alerts ") as problem:
        rules_for(plan_from("web/trpc", alerts=tmp_path / "rules.yml"), target(tmp_path))
    assert said in str(problem.value)


def test_command_says_what_is_wrong_with_the_rules_and_makes_no_run(tmp_path: Path) -> None:
    target(tmp_path)
    arguments = ["run", "web/trpc", "--target", str(tmp_path / "here.toml"), "--runs", str(tmp_path / "runs")]
    done = CliRunner().invoke(main, [*arguments, "--alerts", str(tmp_path / "none.yml")])
    assert done.exit_code == 2
    assert "none.yml" in done.output
    assert not (tmp_path / "runs").exists()
