"""The plugin as a user's pytest loads it; here the runs it makes are stored ones, made beforehand."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

import drive.runs
from drive.plan import Plan
from drive.target import Target
from pytest_harness import loading
from reports import page
from results import Run
from tests.reports.sample_run import Shape, write_sample

pytest_plugins = ["pytester"]
LOADED = (loading, page)
"""Imported before a test within the test begins, which would import them again for each."""

WRITE_REPORT = page.write_report
CALL = 'load("web/trpc", rate="60/s", duration="20s", warmup="4s")'


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with a target and a run that was made for it: 20 s at 60/s, valid."""

    def made(plan: Plan, target: Target, runs: Path, _: object) -> Path:
        said = f"{plan.scenario_name} {plan.stages} warm {plan.warmup_s:g} on {target.name} in {runs}"
        (pytester.path / "asked.txt").write_text(said)
        return Path("stored")

    def drawn(_: Run, path: Path, __: object) -> Path:
        path.write_text("a page, as drawn elsewhere")
        return path

    monkeypatch.setattr(drive.runs, "run_plan", made)
    monkeypatch.setattr(page, "write_report", drawn)
    (pytester.path / "here.toml").write_text('allow_load = true\nbase_url = "http://127.0.0.1:9"\n')
    shape = Shape(stages="60/s for 20s", warmup_s=4, web1_down=False, slos="", tiers=("host",))
    write_sample(pytester.path, shape, "stored")
    return pytester


def run(project: pytest.Pytester, body: str, *options: str) -> pytest.RunResult:
    """Run a test of one line in the project, aimed at its target unless the options say another."""
    project.makepyfile(f"def test_it(load):\n    {body}\n")
    aimed = options or ("--load-target", "here.toml")
    return project.runpytest("-p", "pytest_harness.plugin", *aimed)


def test_an_objective_that_is_kept_passes(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "write_report", WRITE_REPORT)
    result = run(project, f'assert {CALL}.slo("p50 < 2s, errors < 1%")')
    result.assert_outcomes(passed=1)
    asked = (project.path / "asked.txt").read_text()
    assert asked == f"scenarios/web/trpc.py 60/s for 20 s warm 4 on here in {project.path / 'runs'}"
    assert "<!doctype html>" in (project.path / "stored" / "report.html").read_text()


def test_a_missed_objective_fails_with_the_figure_and_the_page(project: pytest.Pytester) -> None:
    result = run(project, f'assert {CALL}.slo("p50 < 1ms")')
    result.assert_outcomes(failed=1)
    result.stdout.re_match_lines([r"E +.*assert p50 < 1 ms missed: [\d.]+ ms; report: stored/report.html"])
    assert "loading.py" not in result.stdout.str()


def test_several_objectives_in_one_text_each_say_their_figure(project: pytest.Pytester) -> None:
    result = run(project, f'assert {CALL}.slo("todo.list p50 < 1ms, errors < 1%")')
    result.stdout.re_match_lines([r"E +.*assert todo.list p50 < 1 ms missed: .*; errors < 1% kept: 0%"])


def test_a_run_that_is_not_valid_is_an_error_of_its_own_kind(project: pytest.Pytester) -> None:
    with sqlite3.connect(project.path / "stored" / "run.db") as db:
        db.execute("UPDATE info SET value = ? WHERE key = 'state'", (json.dumps("aborted"),))
    result = run(project, f'assert {CALL}.slo("p50 < 2s")')
    result.assert_outcomes(failed=1)
    result.stdout.re_match_lines(
        [r"E +pytest_harness.loading.NotValid: the run is not valid: the run was aborted"]
    )
    assert run(project, f"{CALL}").ret == 1


def test_too_few_requests_are_no_pass_either(project: pytest.Pytester) -> None:
    result = run(project, f'assert {CALL}.slo("page /nowhere p50 < 2s")')
    result.stdout.re_match_lines([r"E +pytest_harness.loading.NotValid: cannot tell page /nowhere p50 < 2 s"])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (f'assert {CALL}.slo("fast")', "'fast' is not an SLO"),
        ('load("web/nothing")', "no scenario 'web/nothing'"),
        ('load("web/trpc", rate="fast")', "'fast' is not a rate"),
    ],
)
def test_bad_input_says_what_is_wrong(project: pytest.Pytester, body: str, said: str) -> None:
    result = run(project, body)
    result.assert_outcomes(failed=1)
    assert f"UsageError: {said}" in result.stdout.str()


def test_the_target_comes_from_the_configuration_the_command_line_or_a_fixture(
    project: pytest.Pytester,
) -> None:
    (project.path / "there.toml").write_text('allow_load = true\nbase_url = "http://127.0.0.1:9"\n')
    project.makeini("[pytest]\nload_target = here.toml\nload_runs = kept")
    run(project, CALL, "-q").assert_outcomes(passed=1)
    assert "on here in" in (project.path / "asked.txt").read_text()
    assert (project.path / "asked.txt").read_text().endswith("/kept")
    run(project, CALL, "--load-target", "there.toml").assert_outcomes(passed=1)
    assert "on there in" in (project.path / "asked.txt").read_text()
    project.makepyfile(
        "import pytest\n@pytest.fixture(scope='session')\ndef load_target(): return 'there.toml'\n"
        f"def test_it(load): {CALL}\n"
    )
    project.runpytest("-p", "pytest_harness.plugin").assert_outcomes(passed=1)
    assert "on there in" in (project.path / "asked.txt").read_text()


def test_a_target_that_does_not_allow_load_gets_none(project: pytest.Pytester) -> None:
    (project.path / "here.toml").write_text('base_url = "http://127.0.0.1:9"\n')
    result = run(project, CALL)
    result.assert_outcomes(failed=1)
    assert not (project.path / "asked.txt").exists()


def test_figures_are_there_to_assert_on(project: pytest.Pytester) -> None:
    body = f"run = {CALL}; assert 50 < run.figures['rate'] < 70 and run.figures['errors'] == 0, run"
    run(project, body).assert_outcomes(passed=1)


def test_an_installed_harness_registers_the_plugin() -> None:
    told = (Path(__file__).parent.parent.parent / "pyproject.toml").read_text()
    assert '[project.entry-points.pytest11]\nharness = "pytest_harness.plugin"' in told
