"""A run against its own objectives."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.compare.sides import Verdict
from analysis.gate.result import GateResult, Inconclusive, Outcome, exit_code
from analysis.slo import SloResult, judge_slos
from analysis.slo import verdict as slo_verdict
from analysis.validity import Validity, validity
from results import Run
from results.units import show_latency, show_ratio


def gate_run(run: Run, inconclusive: Inconclusive = "report") -> GateResult:
    """A run against its own objectives. A run that is not valid, or has none, is inconclusive."""
    results, trust = judge_slos(run), validity(run)
    judged = slo_verdict(results, trust)
    outcomes = [_trusted(trust), *_objectives(results, judged.outcome, trust)]
    verdict = judged.outcome if results else "inconclusive"
    notes = _doubts(results, trust)
    if not results:
        notes.append("the run has no objectives: give it some with --slo 'p99<250ms, errors<0.1%'")
    sentence = _run_sentence(outcomes[1:], verdict, notes)
    code = exit_code(verdict, inconclusive)
    return GateResult(run.id, "objectives", verdict, sentence, outcomes, code, notes)


def _trusted(trust: Validity) -> Outcome:
    """The run itself as an outcome: CI then shows a run that cannot be trusted as such, not as kept."""
    told = "; ".join(reason.text for reason in trust.reasons) or "nothing speaks against trusting it"
    return Outcome("the run is valid", "run", "pass" if trust.valid else "inconclusive", told, True)


def _objectives(results: Sequence[SloResult], verdict: Verdict, trust: Validity) -> list[Outcome]:
    """The objectives as outcomes; of a run that cannot be trusted they say nothing."""
    found = []
    for result in results:
        show = show_ratio if result.slo.metric == "errors" else show_latency
        text = f"{show(result.measured)}, limit {show(result.slo.limit)}"
        says = result.outcome if trust.valid or verdict == "fail" else "inconclusive"
        found.append(Outcome(result.slo.text, result.slo.endpoint or "all endpoints", says, text, True))
    return found


def _doubts(results: Sequence[SloResult], trust: Validity) -> list[str]:
    told = [f"{reason.text}: {reason.advice}" for reason in trust.reasons]
    return told + [f"{one.slo.text}: {doubt}" for one in results for doubt in one.doubts]


def _run_sentence(outcomes: list[Outcome], verdict: Verdict, notes: list[str]) -> str:
    if verdict == "inconclusive":
        return f"Cannot tell: {notes[0] if notes else 'an objective could not be judged'}."
    if verdict == "pass":
        return f"All {len(outcomes)} objectives are kept." if len(outcomes) > 1 else "The objective is kept."
    missed = [outcome for outcome in outcomes if outcome.verdict == "fail"]
    return f"{len(missed)} of {len(outcomes)} objectives missed: {missed[0].name}: {missed[0].text}."
