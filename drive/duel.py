"""The course of a duel: runs of both sides in turn, each judged for itself, until the answer is clear."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from analysis.compare.effect import Side
from analysis.compare.figures import OVERALL, Figures, figures_of
from analysis.compare.words import show_change, show_value
from analysis.duel import Duel, DuelPlan
from analysis.duel.stored import OF_THE_SYSTEM
from analysis.validity import Reason, validity
from drive.course import new_folder, run_plan
from drive.duel_sides import Stand
from drive.plan import Plan
from drive.progress import Progress
from drive.target import Target
from results import HarnessError, Stages, StoredDuel, open_run

ATTEMPTS = 3
"""How often a run that is not valid is made before the duel gives up."""
PAUSE_S = 5.0
"""Before the second try, and twice that before the third: what disturbed a run is often soon over."""
SETTLE_S = 5.0
"""Load on a stack that was just started, before its first run, which nothing is judged by: connections are
made and caches filled, on both sides alike."""


class NotValid(HarnessError):
    """A run of the duel was not valid, however often it was made."""

    exit_code = 4


class DuelCourse:
    """One duel while it is being made. What was measured is kept whatever happens, and says how it ended."""

    def __init__(
        self,
        plan: Plan,
        duel_plan: DuelPlan,
        sides: Mapping[Side, Stand],
        runs: Path,
        progress: Progress,
        *,
        force: bool = False,
    ) -> None:
        # A duel holds its runs against each other, not against objectives.
        self.plan = replace(plan, slos=[])
        self.duel = Duel(duel_plan)
        self.sides = sides
        self.progress = progress
        folder = new_folder(runs, plan, "duel")
        self.stored = StoredDuel(
            folder,
            scenario=plan.scenario_name,
            stages=plan.stages.text,
            started_at=datetime.now(UTC).isoformat(),
            baseline=sides["baseline"].text,
            candidate=sides["candidate"].text,
            plan=duel_plan.as_dict(),
            forced=force,
        )
        self.stored.save()

    def run(self) -> StoredDuel:
        """Run pairs until the answer is clear, max_pairs are through, a run is never valid, or Ctrl-C.

        After Ctrl-C the state is `interrupted` and the pairs so far stand. Raises HarnessError.
        """
        try:
            while (order := self.duel.next()) is not None:
                self._pair(order)
            self._keep("finished")
        except KeyboardInterrupt:
            self._keep("interrupted", "interrupted before the answer was clear")
        except NotValid as problem:
            self._keep("aborted", str(problem))
        except BaseException as problem:
            self._keep("aborted", str(problem))
            raise
        return self.stored

    def _keep(self, state: str, why: str = "") -> None:
        told = self.duel.decision()
        self.stored.state, self.stored.stopped = state, why
        self.stored.verdict, self.stored.sentence = told.verdict, told.sentence
        self.stored.save()

    def _pair(self, order: tuple[Side, Side]) -> None:
        number, wanted = self.duel.pairs + 1, self.duel.plan.pairs
        of = wanted if number <= wanted else self.duel.plan.max_pairs
        self.progress.phase(f"pair {number} of {of}: {order[0]} first, then {order[1]}")
        made = {side: self._turn(number, side) for side in order}
        (baseline, before), (candidate, after) = made["baseline"], made["candidate"]
        self.stored.pairs.append((baseline, candidate))
        seen = self.duel.observe(before, after)
        self.progress.phase(_pair_words(number, before, after))
        if seen is not None:
            self.progress.phase(f"  {'' if seen.final else 'so far: '}{seen.sentence}")
        self._keep("running")

    def _turn(self, pair: int, side: Side) -> tuple[str, Figures]:
        """One valid run of one side: its folder's name and its figures. Raises NotValid."""
        name = f"pair-{pair}-{side}"
        for attempt in range(1, ATTEMPTS + 1):
            folder = self._run(pair, side, name)
            run = open_run(folder)
            against = validity(run).reasons
            if self._is_taken(against, attempt):
                figures = figures_of(run)
                run.close()
                return name, figures
            run.close()
            self.stored.repeated.append((name, against[0].text))
            self.stored.save()
            then = "is run again" if attempt < ATTEMPTS else "is given up"
            self.progress.phase(f"  the {side} is not valid and {then}: {against[0].text}")
            if attempt < ATTEMPTS:
                time.sleep(PAUSE_S * attempt)
            name = f"pair-{pair}-{side}-again-{attempt}"
        raise NotValid(
            f"the {side} of pair {pair} was not valid {ATTEMPTS} times, last because {against[0].text}:"
            f" {against[0].advice}"
        )

    def _is_taken(self, against: tuple[Reason, ...], attempt: int) -> bool:
        """Whether a run is judged. One that does not settle twice is what the system does under this load."""
        if not against or self.stored.forced:
            return True
        return attempt > 1 and all(one.code in OF_THE_SYSTEM for one in against)

    def _run(self, pair: int, side: Side, name: str) -> Path:
        target, is_fresh = self.sides[side].make_ready()
        plan = replace(self.plan, seed=self.plan.seed + pair - 1)
        if is_fresh:
            self.progress.phase(f"{side}: {SETTLE_S:.0f} s of load to settle, which is not judged")
            level, is_open = plan.stages.peak, plan.stages.open
            settle = replace(plan, stages=Stages.constant(level, SETTLE_S, open=is_open), warmup_s=0.0)
            self._make(settle, target, f"{name}-settle")
        return self._make(plan, target, name)

    def _make(self, plan: Plan, target: Target, name: str) -> Path:
        folder = self.stored.folder / name
        return run_plan(
            plan, target, folder.parent, self.progress, folder=folder, id=f"{folder.parent.name}/{name}"
        )


def _pair_words(number: int, baseline: Figures, candidate: Figures) -> str:
    """`  pair 2: typical 9.1 ms -> 9.3 ms (+2.0%), p99 31 ms -> 33 ms (+6.0%)`"""
    told = []
    for name in ("typical", "p99"):
        before, after = (side.values.get((OVERALL, name)) for side in (baseline, candidate))
        if before and after:
            values = f"{show_value(before, 'us')} → {show_value(after, 'us')}"
            told.append(f"{name} {values} ({show_change(after / before - 1, True)})")
    return f"  pair {number}: {', '.join(told) or 'no requests'}"
