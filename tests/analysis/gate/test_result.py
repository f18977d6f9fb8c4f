from __future__ import annotations

from typing import Any

import pytest

from analysis.gate import Outcome, decide, exit_code


@pytest.mark.parametrize(
    ("verdict", "asked", "code"),
    [
        ("pass", "report", 0),
        ("fail", "report", 3),
        ("inconclusive", "report", 4),
        ("inconclusive", "pass", 0),
        ("inconclusive", "fail", 3),
        ("fail", "pass", 3),
        ("pass", "fail", 0),
    ],
)
def test_exit_codes_are_as_documented(verdict: Any, asked: Any, code: int) -> None:
    assert exit_code(verdict, asked) == code


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (["pass", "pass"], "pass"),
        (["pass", "inconclusive"], "inconclusive"),
        (["inconclusive", "fail", "pass"], "fail"),
        ([], "inconclusive"),
    ],
)
def test_the_worst_outcome_decides(verdicts: list[Any], expected: str) -> None:
    assert decide([Outcome("x", "all", verdict, "") for verdict in verdicts]) == expected
