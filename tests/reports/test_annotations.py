from __future__ import annotations

import re

from reports.annotations import github_annotations
from reports.cases import Case, Verdicts

COMMAND = re.compile(r"::(error|warning|notice) title=[^,:\n]+::[^\n]+")


def verdicts(verdict: str, cases: list[Case]) -> Verdicts:
    return Verdicts("20260105-a", "p99 is 100% up: 31 → 74 ms,\nat todo.search", verdict, cases)  # type: ignore[arg-type]


def test_failures_become_errors_of_one_line_each() -> None:
    cases = [
        Case("p99 < 250 ms", "todo.list, all", "fail", "300 ms: 20% over"),
        Case("p50 < 9 ms", "all endpoints", "pass", "8 ms"),
        Case("p95 < 9 ms", "all endpoints", "inconclusive", "too few"),
    ]
    lines = github_annotations(verdicts("fail", cases)).splitlines()
    assert all(COMMAND.fullmatch(line) for line in lines)
    assert lines[0] == "::error title=20260105-a::p99 is 100%25 up: 31 → 74 ms,%0Aat todo.search"
    assert lines[1] == "::error title=p99 < 250 ms (todo.list%2C all)::300 ms: 20%25 over"
    assert len(lines) == 2


def test_what_could_not_be_told_is_a_warning() -> None:
    lines = github_annotations(verdicts("inconclusive", [Case("a", "b", "inconclusive", "c")])).splitlines()
    assert [line.split()[0] for line in lines] == ["::warning", "::warning"]


def test_no_more_than_github_shows() -> None:
    many = [Case(f"case {number}", "x", "fail", "y") for number in range(40)]
    assert len(github_annotations(verdicts("fail", many)).splitlines()) == 10


def test_a_pass_is_one_notice() -> None:
    assert github_annotations(verdicts("pass", [])).count("::notice") == 1
