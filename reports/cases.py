"""Verdicts as a list of cases: what JUnit XML and the Markdown summary are made of."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from analysis.duel import DuelResult
from analysis.duel_compare import Comparison, Verdict
from analysis.duel_words import describe, show_change
from analysis.slo import SloResult
from reports.run_data import RunReport
from reports.sections.answer import answer, figure_of


@dataclass(frozen=True)
class Case:
    """One thing that was judged, with the words that say what was found."""

    name: str
    group: str
    verdict: Verdict
    words: str


@dataclass(frozen=True)
class Verdicts:
    """All cases of a run or a duel under their one verdict. `span_s` is how long it took."""

    name: str
    sentence: str
    verdict: Verdict
    cases: list[Case]
    span_s: float = 0.0
    notes: list[str] = field(default_factory=list)


def run_verdicts(report: RunReport) -> Verdicts:
    """A run's validity and objectives. A run that is not valid passes and fails nothing."""
    told = answer(report)
    is_valid = not report.doubts and report.overall.requests > 0
    found = "; ".join(reason.text for reason in report.doubts) or (
        "valid" if is_valid else "nothing measured"
    )
    cases = [Case("the run can be trusted", "validity", "pass" if is_valid else "inconclusive", found)]
    cases += [_objective(one, is_valid) for one in report.objectives]
    is_judged = report.overall.requests > 0
    outcome: Verdict = report.verdict.outcome if is_judged else "inconclusive"
    return Verdicts(
        report.run.id,
        told.sentence,
        outcome,
        cases,
        report.run.duration_s,
        [reason.advice for reason in report.doubts],
    )


def _objective(one: SloResult, is_valid: bool) -> Case:
    where = one.slo.endpoint or "all endpoints"
    if math.isnan(one.measured):
        return Case(one.slo.text, where, "inconclusive", "nothing was measured")
    words = f"{figure_of(one.slo, one.measured)}, limit {figure_of(one.slo, one.slo.limit)}"
    words += f" ({'; '.join(one.doubts)})" if one.doubts else ""
    if not is_valid:
        return Case(one.slo.text, where, "inconclusive", f"{words}; the run cannot be trusted")
    return Case(one.slo.text, where, one.outcome, words)


def duel_verdicts(result: DuelResult, name: str = "duel", span_s: float = 0.0) -> Verdicts:
    """Every comparison of a duel."""
    cases = [
        Case(
            one.label, "all endpoints" if one.endpoint == "all" else one.endpoint, one.verdict, _compared(one)
        )
        for one in result.comparisons
    ]
    return Verdicts(
        name, result.sentence, result.verdict, cases, span_s, [cause.text for cause in result.causes]
    )


def _compared(one: Comparison) -> str:
    allowed = show_change(one.tolerance, one.is_ratio)
    return f"{describe(one)}, {allowed} for the worse allowed"
