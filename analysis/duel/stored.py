"""A stored duel judged again, from its runs alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from analysis.compare.figures import Figures, figures_of
from analysis.compare.tolerance import parse_tolerances
from analysis.duel import Duel, DuelPlan, DuelResult
from analysis.environment import NotComparable, comparable
from analysis.validity import validity
from results import HarnessError, Run, StoredDuel

OF_THE_SYSTEM = ("not-steady",)
"""What makes a run not valid by itself and is an answer in a duel: one side not keeping up is worse, and
leaving its runs out would let it pass."""


@dataclass(frozen=True)
class JudgedDuel:
    """What a stored duel says, and the runs that it rests on, pair by pair."""

    stored: StoredDuel
    result: DuelResult
    baseline: list[Run]
    candidate: list[Run]
    figures: list[tuple[Figures, Figures]]
    """Of each pair's baseline and candidate."""
    forced: list[str]
    """Why it should not have been compared, where it was all the same."""


def plan_of(stored: StoredDuel) -> DuelPlan:
    """How a stored duel is to be judged. Raises HarnessError where its duel.json makes no sense."""
    try:
        told = {**stored.plan, "tolerances": parse_tolerances(stored.plan.get("tolerances", ""))}
        return DuelPlan(**told)
    except (TypeError, ValueError) as damage:
        raise HarnessError(
            f"{stored.folder} says how it is judged in a way that cannot be: {damage}"
        ) from damage


def judge_stored(stored: StoredDuel, *, force: bool = False) -> JudgedDuel:
    """The verdict over the pairs of a stored duel.

    Raises NotComparable where its runs must not be compared, unless that is forced or was when it was made;
    HarnessError where a run is gone.
    """
    baseline, candidate = stored.runs()
    duel = Duel(plan_of(stored))
    reasons = comparable([*baseline, *candidate], OF_THE_SYSTEM) if baseline else []
    if reasons and not (force or stored.forced):
        raise NotComparable(
            f"duel {stored.id} cannot be judged: {'; '.join(reasons)} (--force judges all the same)"
        )
    figures = [
        (figures_of(before), figures_of(after)) for before, after in zip(baseline, candidate, strict=True)
    ]
    for before, after in figures:
        duel.observe(before, after)
    result = duel.decision()
    doubts = [
        *([stored.stopped] if stored.stopped else []),
        *result.doubts,
        *_unsteady([*baseline, *candidate]),
    ]
    return JudgedDuel(stored, replace(result, doubts=doubts), baseline, candidate, figures, reasons)


def _unsteady(runs: Sequence[Run]) -> list[str]:
    """Runs that did not settle: their figures depend on how long they were."""
    return [
        f"{run.id}: {reason.text}"
        for run in runs
        for reason in validity(run).reasons
        if reason.code in OF_THE_SYSTEM
    ]
