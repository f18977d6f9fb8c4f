"""The verdict over each comparison, corrected for their number.

A comparison fails when two things hold: the change for the worse is real (its p-value against no change at
all, corrected for the number of comparisons and of looks, is below `alpha`), and it is more than allowed
(the one-sided 95% lower bound exceeds the tolerance). The first keeps the share of false alarms on
identical systems below `alpha` whatever the noise; the second keeps real but small changes from failing.
A comparison passes when its upper bound excludes a change of `margin`, unless it is surely more than allowed
(the same lower bound). Before the planned end more is asked: what was seen has to be within the tolerance, as
a change that is too small to fail after three pairs may well be clear after five.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from analysis.compare.effect import weighted_holm
from analysis.compare.sides import Comparison, Verdict, weights_of


def judge(found: Sequence[Comparison], alpha: float, level: float, is_last: bool = True) -> list[Comparison]:
    """Comparisons with their verdicts: `alpha` for all of them together, `level` of the bound that passes.

    `is_last` where no further pair is planned.
    """
    adjusted = weighted_holm({c.key: c.p for c in found}, weights_of(found))
    return [_judged(comparison, adjusted[comparison.key], alpha, level, is_last) for comparison in found]


def _judged(
    comparison: Comparison, adjusted_p: float, alpha: float, level: float, is_last: bool
) -> Comparison:
    effect, tolerance = comparison.worse_effect, comparison.tolerance_effect
    surely = effect.low(0.95)
    verdict: Verdict = "inconclusive"
    if adjusted_p <= alpha and surely > tolerance:
        verdict = "fail"
    elif effect.high(level) < comparison.margin_effect:
        verdict = "pass" if (surely if is_last else effect.estimate) <= tolerance else "inconclusive"
    return replace(comparison, verdict=verdict, adjusted_p=min(adjusted_p, 1.0))
