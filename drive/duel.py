"""The course of a duel: pairs of runs, each judged for itself, until the answer is clear."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from analysis.compare.effect import Side
from analysis.compare.figures import OVERALL, Figures, figures_of
from analysis.compare.words import show_change, show_value
from analysis.duel import Duel, DuelPlan
from analysis.duel.stored import OF_THE_SYSTEM
from analysis.validity import Reason, validity
from drive.duel_sides import Stand
from drive.live import Moment
from drive.plan import Plan
from drive.prepared import prepare
from drive.progress import OneOfSeveral, Progress
from drive.runs import Asked, new_folder, run_at_once
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
        together = self.duel.plan.layout == "together"
        how = (
            f"both at once, the {order[0]} a moment before"
            if together
            else f"{order[0]} first, then {order[1]}"
        )
        self.progress.phase(f"pair {number} of {of}: {how}")
        turns = [order] if together else [(side,) for side in order]
        made = {side: found for turn in turns for side, found in self._turn(number, turn).items()}
        (baseline, before), (candidate, after) = made["baseline"], made["candidate"]
        self.stored.pairs.append((baseline, candidate))
        seen = self.duel.observe(before, after)
        self.progress.phase(_pair_words(number, before, after))
        if seen is not None:
            self.progress.phase(f"  {'' if seen.final else 'so far: '}{seen.sentence}")
        self._keep("running")

    def _turn(self, pair: int, sides: Sequence[Side]) -> dict[Side, tuple[str, Figures]]:
        """A valid run of each side, made at once: the folders' names and the figures. Raises NotValid."""
        who = f"the {sides[0]} of pair {pair}" if len(sides) == 1 else f"pair {pair}"
        again = ""
        for attempt in range(1, ATTEMPTS + 1):
            names = {side: f"pair-{pair}-{side}{again}" for side in sides}
            self._run(pair, names)
            reasons = {side: self._reasons(name) for side, name in names.items()}
            against = {side: why[0] for side, why in reasons.items() if not self._is_taken(why, attempt)}
            if not against:
                return {side: (name, self._figures(name)) for side, name in names.items()}
            bad, reason = next(iter(against.items()))
            for side, name in names.items():
                why = against[side].text if side in against else f"the {bad} beside it was not valid"
                self.stored.repeated.append((name, why))
            self.stored.save()
            then = "is given up" if attempt == ATTEMPTS else "is run again"
            what = "" if len(sides) == 1 else "with the other side "
            self.progress.phase(f"  the {bad} is not valid and {what}{then}: {reason.text}")
            if attempt < ATTEMPTS:
                time.sleep(PAUSE_S * attempt)
            again = f"-again-{attempt}"
        raise NotValid(f"{who} was not valid {ATTEMPTS} times, last because {reason.text}: {reason.advice}")

    def _reasons(self, name: str) -> tuple[Reason, ...]:
        with closing(open_run(self.stored.folder / name)) as run:
            return validity(run).reasons

    def _figures(self, name: str) -> Figures:
        with closing(open_run(self.stored.folder / name)) as run:
            return figures_of(run)

    def _is_taken(self, against: tuple[Reason, ...], attempt: int) -> bool:
        """Whether a run is judged. One that does not settle twice is what the system does under this load."""
        if not against or self.stored.forced:
            return True
        return attempt > 1 and all(one.code in OF_THE_SYSTEM for one in against)

    def _run(self, pair: int, names: Mapping[Side, str]) -> None:
        """A run of each side under a name, made at once; sides that were just started settle before."""
        ready = {side: self.sides[side].make_ready() for side in names}
        plan = replace(self.plan, seed=self.plan.seed + pair - 1)
        fresh = {side: target for side, (target, is_fresh) in ready.items() if is_fresh}
        if fresh:
            told = " and ".join(fresh)
            self.progress.phase(f"{told}: {SETTLE_S:.0f} s of load to settle, which is not judged")
            level, is_open = plan.stages.peak, plan.stages.open
            settle = replace(plan, stages=Stages.constant(level, SETTLE_S, open=is_open), warmup_s=0.0)
            self._make(settle, fresh, {side: f"{names[side]}-settle" for side in fresh})
        self._make(plan, {side: target for side, (target, _) in ready.items()}, names)

    def _make(self, plan: Plan, targets: Mapping[Side, Target], names: Mapping[Side, str]) -> None:
        several: dict[str, Moment | None] = dict.fromkeys(targets)
        run_at_once(
            [
                Asked(
                    prepare(plan, target),
                    self.stored.folder / names[side],
                    OneOfSeveral(side, self.progress, several) if len(targets) > 1 else self.progress,
                    {"id": f"{self.stored.id}/{names[side]}"},
                )
                for side, target in targets.items()
            ]
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
