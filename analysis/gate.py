"""The gate of a CI job: what was judged, pass, fail or inconclusive, and the exit code that says so.

Three ways in: a run against its own objectives, a duel's verdict, or a run against a stored baseline.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from analysis.compare_figures import OVERALL
from analysis.duel import DECIDING, DuelResult, overall_verdict
from analysis.duel_compare import Comparison, Verdict
from analysis.duel_tolerance import Tolerances
from analysis.duel_words import describe, show_change, worst
from analysis.environment import NotComparable, comparable, differences
from analysis.gate_baseline import BETWEEN_RUNS, compare_stored
from analysis.slo import SloResult, judge_slos
from analysis.validity import validity
from results import Run
from results.units import show_latency, show_ratio

Inconclusive = Literal["report", "pass", "fail"]
EXIT_CODES: dict[Verdict, int] = {"pass": 0, "fail": 3, "inconclusive": 4}


@dataclass(frozen=True)
class Outcome:
    """One thing that was judged, and what was found."""

    name: str
    where: str
    verdict: Verdict
    text: str


@dataclass(frozen=True)
class GateResult:
    """The gate's answer. `verdict` is what was found; `exit_code` follows what was asked for where it is
    inconclusive."""

    name: str
    kind: Literal["objectives", "duel", "baseline"]
    verdict: Verdict
    sentence: str
    outcomes: list[Outcome]
    exit_code: int
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return asdict(self)


def exit_code(verdict: Verdict, inconclusive: Inconclusive = "report") -> int:
    """0 passed, 3 failed, 4 inconclusive; or what an inconclusive answer is to count as."""
    if verdict == "inconclusive" and inconclusive != "report":
        return EXIT_CODES[inconclusive]
    return EXIT_CODES[verdict]


def decide(outcomes: Sequence[Outcome]) -> Verdict:
    """Fail if anything failed, else inconclusive if anything was; nothing judged is inconclusive too."""
    verdicts = {outcome.verdict for outcome in outcomes}
    for verdict in ("fail", "inconclusive"):
        if verdict in verdicts:
            return verdict
    return "pass" if verdicts else "inconclusive"


def gate_run(run: Run, inconclusive: Inconclusive = "report") -> GateResult:
    """A run against its own objectives. A run that is not valid, or has none, is inconclusive."""
    trust = validity(run)
    outcomes = [_objective(one) for one in judge_slos(run)]
    verdict = decide(outcomes) if trust.valid else "inconclusive"
    notes = [f"{reason.text}: {reason.advice}" for reason in trust.reasons]
    notes += [f"{one.slo.text}: {doubt}" for one in judge_slos(run) for doubt in one.doubts]
    if not run.slos:
        notes.append("the run has no objectives: give it some with --slo 'p99<250ms, errors<0.1%'")
    sentence = _run_sentence(outcomes, verdict, notes)
    return GateResult(
        run.id, "objectives", verdict, sentence, outcomes, exit_code(verdict, inconclusive), notes
    )


def gate_duel(result: DuelResult, name: str = "duel", inconclusive: Inconclusive = "report") -> GateResult:
    """A duel's verdict."""
    outcomes = [outcome_of(one) for one in result.comparisons]
    notes = [*(cause.text for cause in result.causes), *result.doubts]
    code = exit_code(result.verdict, inconclusive)
    return GateResult(name, "duel", result.verdict, result.sentence, outcomes, code, notes)


def gate_baseline(
    run: Run,
    baseline: Run,
    tolerances: Tolerances | None = None,
    inconclusive: Inconclusive = "report",
    *,
    between_runs: float = BETWEEN_RUNS,
    force: bool = False,
) -> GateResult:
    """A run against a stored one. Raises NotComparable unless forced, which is then among the notes."""
    reasons = comparable([baseline, run])
    if reasons and not force:
        raise NotComparable(f"cannot be compared: {'; '.join(reasons)} (--force compares all the same)")
    compared = compare_stored(baseline, run, tolerances, between_runs)
    verdict = overall_verdict(compared)
    weaker = (
        f"weaker than a duel: the baseline is a stored run of {baseline.started_at:%Y-%m-%d %H:%M} that took"
        f" no turns with this one, so runs are taken to differ by {between_runs:.0%} by themselves, and only"
        f" changes three times as large as a duel's can be excluded"
    )
    notes = [weaker]
    notes += [f"forced although {reason}" for reason in reasons]
    notes += [one.text for one in differences([baseline.environment, run.environment])]
    outcomes = [outcome_of(one) for one in compared]
    code = exit_code(verdict, inconclusive)
    return GateResult(
        run.id, "baseline", verdict, _baseline_sentence(compared, verdict), outcomes, code, notes
    )


def outcome_of(comparison: Comparison) -> Outcome:
    """A comparison as the gate lists it."""
    where = "all endpoints" if comparison.endpoint == OVERALL else comparison.endpoint
    allowed = show_change(comparison.tolerance, comparison.is_ratio).lstrip("+")
    text = f"{describe(comparison)}, {allowed} for the worse allowed"
    return Outcome(comparison.label, where, comparison.verdict, text)


def _objective(result: SloResult) -> Outcome:
    show = show_ratio if result.slo.metric == "errors" else show_latency
    text = f"{show(result.measured)}, limit {show(result.slo.limit)}"
    return Outcome(result.slo.text, result.slo.endpoint or "all endpoints", result.outcome, text)


def _run_sentence(outcomes: list[Outcome], verdict: Verdict, notes: list[str]) -> str:
    if verdict == "inconclusive":
        return f"Cannot tell: {notes[0] if notes else 'an objective could not be judged'}."
    if verdict == "pass":
        return f"All {len(outcomes)} objectives are kept." if len(outcomes) > 1 else "The objective is kept."
    missed = [outcome for outcome in outcomes if outcome.verdict == "fail"]
    return f"{len(missed)} of {len(outcomes)} objectives missed: {missed[0].name}: {missed[0].text}."


def _baseline_sentence(compared: Sequence[Comparison], verdict: Verdict) -> str:
    words = {"fail": "Worse", "pass": "Not worse", "inconclusive": "Cannot tell"}[verdict]
    if verdict == "fail":
        return f"{words} than the stored baseline: {describe(worst(compared)[0])}."
    deciding = [one for one in compared if one.key in DECIDING]
    open_ones = [one for one in deciding if one.verdict == verdict] or deciding
    told = describe(open_ones[-1]) if open_ones else "the runs have no figure in common"
    return f"{words} than the stored baseline: {told}."
