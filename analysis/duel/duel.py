"""A candidate against a baseline in pairs of runs: worse, not worse, or cannot tell.

The duel fails when any comparison fails (analysis/compare/judge.py), passes when the two that decide pass
(typical response time and error ratio over all endpoints), and is inconclusive otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from analysis.compare.causes import find_causes
from analysis.compare.effect import Layout, Side, abba, spending
from analysis.compare.figures import OVERALL, Figures
from analysis.compare.judge import judge
from analysis.compare.sides import compare_sides
from analysis.compare.tolerance import Tolerances
from analysis.duel.more import more_pairs
from analysis.duel.result import DECIDING, DuelResult, overall_verdict
from analysis.duel.words import duel_sentence

BETA = 0.05
"""How often a change of `margin` may pass."""
EARLY_LEVEL = 0.98
"""Of each bound of an interval when a duel stops before its planned end. Stopping picks lucky intervals out;
this little more gives those of the typical response time the 95% back that they are worth otherwise."""


@dataclass(frozen=True)
class DuelPlan:
    """How many pairs, when to look, and which error rates are kept. Raises ValueError on impossible numbers.

    `pairs` is the planned end; where it is not clear by then, the duel goes on to `max_pairs`. `layout`
    is "turns" where runs follow each other, "together" where both sides of a pair ran at the same time.
    """

    pairs: int = 5
    max_pairs: int = 5
    first_look: int = 3
    alpha: float = 0.01
    tolerances: Tolerances = field(default_factory=Tolerances)
    layout: Layout = "turns"

    def __post_init__(self) -> None:
        if not 2 <= self.pairs <= self.max_pairs:
            raise ValueError("a duel needs at least 2 pairs, and max_pairs not below pairs")

    def as_dict(self) -> dict[str, Any]:
        """Plain data, the tolerances as they are written."""
        return {**asdict(self), "tolerances": self.tolerances.text}


class Duel:
    """A duel: ask `next` for the order of a pair, run it, `observe` it; until `next` is None."""

    def __init__(self, plan: DuelPlan | None = None) -> None:
        self.plan = plan or DuelPlan()
        self.baseline: list[Figures] = []
        self.candidate: list[Figures] = []
        self._spending = spending(self.plan.pairs, self.plan.max_pairs, self.plan.first_look)
        self._result: DuelResult | None = None

    @property
    def pairs(self) -> int:
        """How many pairs were observed."""
        return len(self.baseline)

    def next(self) -> tuple[Side, Side] | None:
        """The order in which the next pair begins; None when the answer is clear or max_pairs are through."""
        if self._result is not None and self._result.final:
            return None
        first, second = abba(self.pairs + 1)[-2:]
        return first, second

    def observe(self, baseline: Figures, candidate: Figures) -> DuelResult | None:
        """Take in a pair's figures; what they say so far, or None before the first look."""
        self.baseline.append(baseline)
        self.candidate.append(candidate)
        self._result = self._look() if self.pairs in self._spending else None
        return self._result

    def decision(self) -> DuelResult:
        """The result so far. Before the first look nothing is decided: it is inconclusive."""
        return self._result or self._early()

    def _early(self) -> DuelResult:
        text = f"Cannot tell: {self.pairs} of at least {min(self._spending)} pairs were run."
        missing = min(self._spending) - self.pairs
        return DuelResult(
            "inconclusive", text, [], [], self.pairs, self.plan.max_pairs, False, missing, self.plan.alpha
        )

    def _look(self) -> DuelResult:
        share = self._spending[self.pairs]
        level = 0.975 if self.pairs >= self.plan.pairs else EARLY_LEVEL
        found = compare_sides(self.baseline, self.candidate, self.plan.tolerances, self.plan.layout, level)
        is_last = self.pairs >= self.plan.max_pairs
        judged = judge(found, self.plan.alpha * share, 1 - BETA * share, self.pairs >= self.plan.pairs)
        verdict = overall_verdict(judged)
        deciding = [c for c in judged if c.key in DECIDING]
        result = DuelResult(
            verdict,
            "",
            judged,
            find_causes(self.baseline, self.candidate, judged, self.plan.layout) if verdict == "fail" else [],
            self.pairs,
            self.plan.max_pairs,
            verdict != "inconclusive" or is_last,
            more_pairs(deciding, self.pairs, self.plan.alpha, self.plan.layout)
            if verdict == "inconclusive"
            else None,
            self.plan.alpha,
            _doubts(self.baseline, self.candidate),
        )
        return replace(result, sentence=duel_sentence(result))


def _doubts(baseline: Sequence[Figures], candidate: Sequence[Figures]) -> list[str]:
    """What one side did and the other did not, and runs without requests."""
    sides = {"baseline": set(baseline[-1].requests), "candidate": set(candidate[-1].requests)}
    doubts = [
        f"only the {side} had requests of {name}"
        for side, other in (("baseline", "candidate"), ("candidate", "baseline"))
        for name in sorted(sides[side] - sides[other])
    ]
    empty = [one.run_id for one in [*baseline, *candidate] if not one.requests.get(OVERALL)]
    return doubts + [f"run {name} has no requests after its warm-up" for name in empty]
