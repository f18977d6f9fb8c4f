from __future__ import annotations

import re

from analysis.compare.sides import Verdict
from analysis.gate import GateResult, Outcome
from reports.annotations import github_annotations

COMMAND = re.compile(r"::(error|warning|notice) title=[^,:\n]+::[^\n]+")


def answer(verdict: Verdict, outcomes: list[Outcome]) -> GateResult:
    sentence = "p99 is 100% up: 31 → 74 ms,\nat todo.search"
    return GateResult("20260105-a", "objectives", verdict, sentence, outcomes, 0)


def test_failures_become_errors_of_one_line_each() -> None:
    cases = [
        Outcome("p99 < 250 ms", "todo.list, all", "fail", "300 ms: 20% over"),
        Outcome("p50 < 9 ms", "all endpoints", "pass", "8 ms"),
        Outcome("p95 < 9 ms", "all endpoints", "inconclusive", "too few"),
    ]
    lines = github_annotations(answer("fail", cases)).splitlines()
    assert all(COMMAND.fullmatch(line) for line in lines)
    assert lines[0] == "::error title=20260105-a::p99 is 100%25 up: 31 → 74 ms,%0Aat todo.search"
    assert lines[1] == "::error title=p99 < 250 ms (todo.list%2C all)::300 ms: 20%25 over"
    assert len(lines) == 2


def test_what_could_not_be_told_is_a_warning() -> None:
    lines = github_annotations(answer("inconclusive", [Outcome("a", "b", "inconclusive", "c")])).splitlines()
    assert [line.split()[0] for line in lines] == ["::warning", "::warning"]


def test_no_more_than_github_shows() -> None:
    many = [Outcome(f"case {number}", "x", "fail", "y") for number in range(40)]
    assert len(github_annotations(answer("fail", many)).splitlines()) == 10


def test_a_pass_is_one_notice() -> None:
    assert github_annotations(answer("pass", [])).count("::notice") == 1
