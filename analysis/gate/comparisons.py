"""A duel's verdict, and a run against a stored baseline."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.compare.figures import OVERALL, metric_of
from analysis.compare.sides import Comparison, Verdict
from analysis.compare.tolerance import Tolerances, parse_tolerances
from analysis.compare.words import as_asked, describe, show_change, show_interval, show_value, worst
from analysis.duel import DECIDING, DuelResult, overall_verdict
from analysis.environment import NotComparable, comparable, differences
from analysis.gate.baseline import BETWEEN_RUNS, compare_stored
from analysis.gate.objectives import gate_run
from analysis.gate.result import GateResult, Inconclusive, Outcome, decide, exit_code
from results import Run


def gate_duel(
    result: DuelResult, name: str = "duel", inconclusive: Inconclusive = "report", forced: Sequence[str] = ()
) -> GateResult:
    """A duel's verdict. `forced` says why its runs should not have been compared, where they were."""
    outcomes = [outcome_of(one) for one in as_asked(result.comparisons)]
    notes = [f"forced although {reason}" for reason in forced]
    notes += [*(cause.text for cause in result.causes), *result.doubts]
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
    """A run against a stored one, and against its objectives where it has some: both have to be kept.

    `tolerances` are those of the run's plan unless given. Raises NotComparable unless forced, which is then
    among the notes.
    """
    reasons = comparable([baseline, run])
    if reasons and not force:
        raise NotComparable(f"cannot be compared: {'; '.join(reasons)} (--force compares all the same)")
    allowed = tolerances or parse_tolerances(str(run.plan.get("tolerances", "")))
    compared = compare_stored(baseline, run, allowed, between_runs)
    own = gate_run(run)
    found = overall_verdict(compared)
    verdict = decide([*own.outcomes, Outcome("", "", found, "")]) if run.slos else found
    weaker = (
        f"weaker than a duel: the baseline is a stored run of {baseline.started_at:%Y-%m-%d %H:%M} that took"
        f" no turns with this one, so runs are taken to differ by {between_runs:.0%} by themselves, and only"
        f" changes three times as large as a duel's can be excluded"
    )
    notes = [weaker]
    notes += [f"forced although {reason}" for reason in reasons]
    notes += [one.text for one in differences([baseline.environment, run.environment])]
    outcomes = [*(own.outcomes if run.slos else []), *(outcome_of(one) for one in as_asked(compared))]
    sentence = _baseline_sentence(compared, found)
    if run.slos and own.verdict != "pass":
        sentence = f"{own.sentence} {sentence}"
    code = exit_code(verdict, inconclusive)
    return GateResult(run.id, "baseline", verdict, sentence, outcomes, code, notes)


def outcome_of(comparison: Comparison) -> Outcome:
    """A comparison as the gate lists it."""
    where = "all endpoints" if comparison.endpoint == OVERALL else comparison.endpoint
    before, after = (show_value(one, comparison.unit) for one in (comparison.baseline, comparison.candidate))
    sign = "+" if metric_of(comparison.metric).worse > 0 else "−"
    limit = comparison.margin if comparison.verdict == "pass" else comparison.tolerance
    shown = sign + show_change(limit, comparison.is_ratio).lstrip("+")
    said = f"{shown} or more is excluded" if comparison.verdict == "pass" else f"tolerance {shown}"
    text = f"{before} → {after} ({show_interval(comparison)}), {said}"
    return Outcome(comparison.label, where, comparison.verdict, text, comparison.key in DECIDING)


def _baseline_sentence(compared: Sequence[Comparison], verdict: Verdict) -> str:
    words = {"fail": "Worse", "pass": "Not worse", "inconclusive": "Cannot tell"}[verdict]
    if verdict == "fail":
        return f"{words} than the stored baseline: {describe(worst(compared)[0])}."
    deciding = [one for one in compared if one.key in DECIDING]
    open_ones = [one for one in deciding if one.verdict == verdict] or deciding
    told = describe(open_ones[-1]) if open_ones else "the runs have no figure in common"
    return f"{words} than the stored baseline: {told}."
