from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reports.run_data import RunReport, read_report
from reports.sections.answer import answer, facts
from reports.terminal import exit_code, summary_lines
from results import Account, Endpoint, Event, Flow, Histogram, Interval, RunWriter, Sample, open_run


def report_of(
    folder: Path, slos: str = "", latency_ms: float = 40.1, failed: int = 0, **info: Any
) -> RunReport:
    """Ten seconds of 200 requests a second, all of one latency; `arrivals` due and ended in each."""
    ends = info.pop("ends", "finished")
    lost = info.pop("lost", 0)
    due, ended = info.pop("arrivals", (200, 200))
    facts = {
        "id": "r",
        "scenario": "s",
        "target": "t",
        "started_at": "2026-01-05T08:00:00+00:00",
        "stages": "200/s for 10s",
    }
    writer = RunWriter(folder / "run.db", **(facts | {"slos": slos} | info))
    times = Histogram.from_values_us([latency_ms * 1e3] * 200)
    writer.add_intervals(
        Interval(
            s,
            "g0",
            Endpoint("todo.list"),
            times,
            times,
            failed,
            0,
            {"HTTP 500": (failed, "oops")} if failed else {},
        )
        for s in range(10)
    )
    writer.add_flows([Flow(s, "g0", due, due, ended - failed, failed, 200) for s in range(10)])
    writer.set_account("g0", Account(2000 + lost, 2000 - 10 * failed, 10 * failed))
    if "busy" in str(info.get("plan", "")):
        writer.add_samples([Sample(s, "generator", "g0", "cpu_ratio", 0.99) for s in range(10)])
    if "worker" in str(info.get("plan", "")):
        writer.add_events([Event(5, "lost", "generator g1 was lost: killed", "generator", "g1")])
    writer.close(ends)
    return read_report(open_run(folder))


def test_passing_run_says_how_far_it_stayed_from_its_limit(tmp_path: Path) -> None:
    report = report_of(tmp_path, "p99 < 250ms, errors < 0.1%")
    told = answer(report)
    assert told.sentence == "p99 stayed at 40.1 ms at 200/s: within all 2 objectives."
    assert "p99 < 250 ms, at 40.1 ms (16" in told.why
    assert exit_code(report) == 0


def test_missed_objective_names_figure_and_limit(tmp_path: Path) -> None:
    report = report_of(tmp_path, "p99 < 25ms, todo.list p95 < 20ms", latency_ms=40)
    told = answer(report)
    assert told.sentence.startswith("todo.list p95 reached 40")
    assert told.sentence.endswith("the limit is 20 ms.")
    assert told.tone == "bad"
    assert exit_code(report) == 3


def test_errors_are_judged_as_a_share(tmp_path: Path) -> None:
    report = report_of(tmp_path, "errors < 1%", failed=20)
    assert answer(report).sentence == "Errors reached 10% at 200/s; the limit is 1%."
    assert [fact.value for fact in facts(report)][2] == "10%"


def test_objective_of_an_endpoint_that_was_never_called_is_inconclusive(tmp_path: Path) -> None:
    report = report_of(tmp_path, "nowhere p99 < 1s")
    assert report.objectives[0].outcome == "inconclusive"
    assert exit_code(report) == 4


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ({"lost": 3}, "3 of 2003 arrivals are unaccounted for"),
        ({"ends": "interrupted"}, "the run was interrupted"),
        ({"ends": "running"}, "killed while it was being made"),
        ({"plan": {"x": "busy"}}, "generator g0 was at its limit"),
        ({"plan": {"x": "worker"}}, "generator g1 was lost"),
    ],
)
def test_run_that_cannot_be_trusted_says_so_first(tmp_path: Path, made: dict[str, Any], words: str) -> None:
    report = report_of(tmp_path, "p99 < 250ms", **made)
    assert answer(report).sentence.startswith("This run cannot be trusted: ")
    assert words in answer(report).sentence
    assert exit_code(report) == 4


def test_terminal_gets_three_lines(tmp_path: Path) -> None:
    lines = summary_lines(report_of(tmp_path, "p99 < 250ms"))
    assert len(lines) == 3
    assert "p99 < 250 ms: 40.1 ms ok" in lines[1]


def test_without_objectives_there_is_no_verdict_but_figures(tmp_path: Path) -> None:
    told = answer(report_of(tmp_path))
    assert "no objective was set" in told.sentence
    assert "--slo" in told.advice


def test_requests_of_an_arrival_are_told_by_those_that_were_due_together(tmp_path: Path) -> None:
    rate, *_ = facts(report_of(tmp_path, arrivals=(160, 80)))
    assert rate.value == "80/s"
    assert rate.small == "of 160/s arrivals asked for on average, 1.25 requests each"
