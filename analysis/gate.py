"""The gate of a CI job: what was judged, pass, fail or inconclusive, and the exit code that says so.

Three ways in: a run against its own objectives, a duel's verdict, or a run against a stored baseline.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from analysis.compare.figures import OVERALL, metric_of
from analysis.compare.sides import Comparison, Verdict
from analysis.compare.tolerance import Tolerances, parse_tolerances
from analysis.compare.words import as_asked, describe, show_change, show_interval, show_value, worst
from analysis.duel import DECIDING, DuelResult, overall_verdict
from analysis.environment import NotComparable, comparable, differences
from analysis.gate_baseline import BETWEEN_RUNS, compare_stored
from analysis.slo import SloResult, judge_slos
from analysis.slo import verdict as slo_verdict
from analysis.validity import Validity, validity
from results import Run
from results.units import show_latency, show_ratio

Inconclusive = Literal["report", "pass", "fail"]
EXIT_CODES: dict[Verdict, int] = {"pass": 0, "fail": 3, "inconclusive": 4}
_ORDER: list[Verdict] = ["fail", "inconclusive", "pass"]


@dataclass(frozen=True)
class Outcome:
    """One thing that was judged, and what was found. Without those that `decides` there is no pass."""

    name: str
    where: str
    verdict: Verdict
    text: str
    decides: bool = False


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

    def told(self, most: int) -> list[Outcome]:
        """What a reader wants to see first, at most so many: what failed, what the verdict rests on.

        What passed without deciding anything is left to `rest`, and so is what is open where that is not
        the verdict.
        """
        verdicts = {"fail", self.verdict} - {"pass"}
        shown = [one for one in self.outcomes if one.decides or one.verdict in verdicts]
        return sorted(shown, key=lambda one: (_ORDER.index(one.verdict), not one.decides))[:most]

    def rest(self, most: int) -> list[Outcome]:
        """All that `told` leaves out."""
        shown = {id(one) for one in self.told(most)}
        left = [one for one in self.outcomes if id(one) not in shown]
        return sorted(left, key=lambda one: _ORDER.index(one.verdict))

    def rest_counted(self, most: int) -> str:
        """How many `told` leaves out, by verdict: `4 more failed, 3 cannot be told, 20 passed`."""
        left = [one.verdict for one in self.rest(most)]
        words = {"fail": "more failed", "inconclusive": "cannot be told", "pass": "passed"}
        counts = [f"{left.count(verdict)} {words[verdict]}" for verdict in _ORDER if verdict in left]
        return ", ".join(counts)


def exit_code(verdict: Verdict, inconclusive: Inconclusive = "report") -> int:
    """0 passed, 3 failed, 4 inconclusive; or what an inconclusive answer is to count as."""
    if verdict == "inconclusive" and inconclusive != "report":
        return EXIT_CODES[inconclusive]
    return EXIT_CODES[verdict]


def decide(outcomes: Sequence[Outcome]) -> Verdict:
    """Fail if anything failed, else inconclusive if anything was; nothing judged is inconclusive too."""
    verdicts = {outcome.verdict for outcome in outcomes}
    return next((verdict for verdict in _ORDER if verdict in verdicts), "inconclusive")


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


def _baseline_sentence(compared: Sequence[Comparison], verdict: Verdict) -> str:
    words = {"fail": "Worse", "pass": "Not worse", "inconclusive": "Cannot tell"}[verdict]
    if verdict == "fail":
        return f"{words} than the stored baseline: {describe(worst(compared)[0])}."
    deciding = [one for one in compared if one.key in DECIDING]
    open_ones = [one for one in deciding if one.verdict == verdict] or deciding
    told = describe(open_ones[-1]) if open_ones else "the runs have no figure in common"
    return f"{words} than the stored baseline: {told}."
