from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.compare.figures import figures_of
from analysis.difference import Change
from analysis.duel import Duel, DuelPlan, DuelResult
from analysis.duel.stored import JudgedDuel
from reports.compare_page import comparison_answer, comparison_page, read_compared
from reports.compare_terminal import comparison_lines
from reports.duel_page import duel_page
from reports.render import render
from reports.sections.comparison import names_of
from results import Run, StoredDuel, UsageError, open_run
from tests.reports.html_check import check
from tests.reports.sample_run import Shape, write_sample


def side(folder: Path, name: str, capacity_per_s: float, runs: int) -> list[Run]:
    return [
        open_run(
            write_sample(
                folder,
                Shape(
                    stages="150/s for 14s", warmup_s=2, seed=k, web1_down=False, capacity_per_s=capacity_per_s
                ),
                f"{name}{k}",
            )
        )
        for k in range(runs)
    ]


def duelled(baseline: list[Run], candidate: list[Run]) -> DuelResult:
    duel = Duel(DuelPlan(len(baseline), len(baseline)))
    for one, other in zip(baseline, candidate, strict=True):
        duel.observe(figures_of(one), figures_of(other))
    return duel.decision()


def judged_of(
    result: DuelResult, baseline: list[Run], candidate: list[Run], forced: list[str] | None = None
) -> JudgedDuel:
    plan = DuelPlan().as_dict()
    stored = StoredDuel(
        Path("duel"), "web/trpc", "150/s for 14s", "2026-11-24T10:00:00+00:00", "main", "branch", plan
    )
    figures = [(figures_of(one), figures_of(other)) for one, other in zip(baseline, candidate, strict=True)]
    return JudgedDuel(stored, result, baseline, candidate, figures, forced or [])


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Run], list[Run]]:
    folder = tmp_path_factory.mktemp("runs")
    return side(folder, "b", 260, 3), side(folder, "c", 200, 3)


def test_duel_page_names_verdict_figures_and_cause(runs: tuple[list[Run], list[Run]]) -> None:
    result = duelled(*runs)
    html = render(duel_page(judged_of(result, *runs)))
    assert result.verdict == "fail"
    assert check(html).problems == []
    assert "<em>Worse</em>" in html
    assert "waiting for a pool connection" in html
    assert 'class="interval bad"' in html
    assert "branch against main" in html
    assert "Each pair" in html
    assert "In the database" in html
    assert "In the application" in html
    assert "team.dashboard" in html
    assert "+2.0%" in html  # the tolerance of the typical response time


def test_duel_of_a_system_with_itself_shows_no_failure(runs: tuple[list[Run], list[Run]]) -> None:
    baseline, _ = runs
    result = duelled(baseline, baseline)
    html = render(duel_page(judged_of(result, baseline, baseline)))
    assert check(html).problems == []
    assert 'class="pill bad"' not in html
    assert ">~<" in html


def test_duel_page_says_that_both_sides_ran_at_once_and_what_that_means(
    runs: tuple[list[Run], list[Run]],
) -> None:
    judged = judged_of(duelled(*runs), *runs)
    together = replace(judged.stored, plan=DuelPlan(layout="together").as_dict())
    html = render(duel_page(replace(judged, stored=together)))
    assert check(html).problems == []
    assert "both at once" in html
    assert "slows the baseline, too" in html
    assert "take turns" not in html
    assert "both at once" not in render(duel_page(judged))


def test_forced_duel_is_marked(runs: tuple[list[Run], list[Run]]) -> None:
    html = render(duel_page(judged_of(duelled(*runs), *runs, forced=["the stages differ"])))
    assert "Forced although the stages differ" in html


def test_duel_without_a_single_figure_makes_a_page() -> None:
    assert check(render(duel_page(judged_of(Duel().decision(), [], [])))).problems == []


def test_comparison_overlays_runs_and_tells_what_differs(runs: tuple[list[Run], list[Run]]) -> None:
    html = render(comparison_page(read_compared([runs[0][0], runs[1][1]])))
    assert check(html).problems == []
    assert "times as high</em>" in html
    assert "plan seed" in html


def test_run_compared_with_itself_shows_nothing(runs: tuple[list[Run], list[Run]]) -> None:
    page = comparison_page(read_compared([runs[0][0], runs[0][0]]))
    assert page.answer.sentence.startswith("No difference in p99")


@pytest.mark.parametrize("count", [1, 11])
def test_comparison_takes_2_to_10_runs(runs: tuple[list[Run], list[Run]], count: int) -> None:
    with pytest.raises(UsageError, match="2 to 10 runs"):
        read_compared([runs[0][0]] * count)


def test_five_runs_on_one_page(runs: tuple[list[Run], list[Run]]) -> None:
    html = render(comparison_page(read_compared([*runs[0], *runs[1][:2]])))
    assert check(html).problems == []


def change_at_p99(change: float, low: float, high: float) -> Change:
    return Change(np.array([0.99]), np.array([change]), np.array([low]), np.array([high]))


def test_of_several_runs_one_that_differs_beyond_chance_is_told_before_a_larger_change_by_chance() -> None:
    by_chance, real = change_at_p99(0.4, -0.1, 0.9), change_at_p99(0.2, 0.12, 0.29)
    told = comparison_answer(["baseline", "noisy", "slower"], [by_chance, real])
    assert told.sentence == "p99 in slower is 20.0% higher than in the baseline (+12.0% to +29.0%)."


def test_runs_of_long_names_are_told_apart_by_their_ends(tmp_path: Path) -> None:
    shape = Shape(stages="20/s for 4s", warmup_s=1)
    ids = [f"20261123-211000-checkout-{number}" for number in (1, 2, 3)]
    names = names_of([open_run(write_sample(tmp_path, shape, one)) for one in ids])
    assert len(set(names)) == 3
    assert [name[-1] for name in names[1:]] == ["2", "3"]


def test_an_endpoint_that_a_run_has_not_is_a_single_dash_on_the_terminal(
    runs: tuple[list[Run], list[Run]], tmp_path: Path
) -> None:
    few = open_run(write_sample(tmp_path, Shape(stages="150/s for 14s", warmup_s=2, endpoints=2), "few"))
    lines = {line.split()[0]: line.split() for line in comparison_lines(read_compared([runs[0][0], few]))}
    assert len(lines["todo.create"]) > 4
    assert lines["todo.search"][-1] == "–"
    assert lines["todo.search"].count("–") == 1
