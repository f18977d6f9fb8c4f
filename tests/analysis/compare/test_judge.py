from __future__ import annotations

import math

import pytest

from analysis.compare.effect import Effect
from analysis.compare.figures import OVERALL, metric_of
from analysis.compare.judge import judge
from analysis.compare.sides import Comparison, comparison_of


def typical(change: float, error: float) -> Comparison:
    """A typical response time that changed so much, known so well by 20 degrees of freedom."""
    effect = Effect(math.log1p(change), error, 20)
    return comparison_of(
        (OVERALL, "typical"), metric_of("typical"), [9e3, 9e3 * (1 + change)], effect, 0.975, []
    )


@pytest.mark.parametrize(
    ("change", "error", "is_last", "verdict"),
    [
        (0.00, 0.010, False, "pass"),
        (0.00, 0.060, True, "inconclusive"),  # a change of the margin (10%) is not excluded
        (0.05, 0.005, True, "fail"),
        (0.03, 0.006, True, "pass"),  # it may well be within the tolerance of 2%
        (0.03, 0.006, False, "inconclusive"),  # and may turn out not to be: more pairs are to come
        (0.20, 0.005, False, "fail"),
    ],
)
def test_a_comparison_passes_and_fails_by_its_interval(
    change: float, error: float, is_last: bool, verdict: str
) -> None:
    (judged,) = judge([typical(change, error)], 0.01, 0.95, is_last)
    assert judged.verdict == verdict


def test_what_is_surely_more_than_allowed_never_passes_though_it_is_too_little_to_fail() -> None:
    (judged,) = judge([typical(0.04, 0.008)], 1e-6, 0.95)
    assert judged.verdict == "inconclusive"
