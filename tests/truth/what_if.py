"""Two what-ifs on the real stack: predicted from one search, then measured by another.

`python -m tests.truth.what_if FOLDER` searches a stack whose pools of 5 give way first, predicts pools of 10,
and searches the stack that has them; then the same of two web instances, whose workers give way first, and a
third.

The load shares its 2 cores with the stack, so what is to give way first has to do so well below the
processor's end: a statement's way to its server takes 25 ms, as from another region; a list of todos takes
120 ms more, and a web instance works on 4 requests at a time. Redis has room for all that is cached.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from analysis.bottleneck import stretches
from analysis.capacity import Capacity, Review, Settings, review
from analysis.capacity.scaling import measured_at
from analysis.capacity.whatif import Change, Prediction, model, predict, unexplained
from drive.capacity import find_capacity
from drive.plan import plan_from
from drive.progress import PlainProgress
from drive.target import find_target
from results import open_run, parse_slos
from stack import control

STACK = "whatif"
BUDGET_S = 240.0
ROOM = {"redis.maxmemory": "512mb"}


@dataclass(frozen=True)
class Case:
    """A stack, the load that is to find its limit, and one change of it."""

    scenario: str
    knobs: dict[str, str]
    gives_way: str
    """The code of the bottleneck that has to be named before the change: else the case asks nothing."""
    change: Change
    changed: dict[str, str]


CASES = (
    Case(
        "web/trpc",
        {**ROOM, "db.round_trip_ms": "25", "api.pool_size": "5"},
        "api-pool",
        Change("pool", "API ", 2.0, "pools of 10 instead of 5"),
        {"api.pool_size": "10"},
    ),
    Case(
        "web/pages",
        {**ROOM, "api.slow_ms": "120", "web.instances": "2", "web.workers": "4"},
        "web-workers",
        Change("instances", "web", 1.5, "3 web instances instead of 2"),
        {"web.instances": "3"},
    ),
)


@dataclass(frozen=True)
class Checked:
    """One what-if: what the model said, and what a search of the changed stack found."""

    case: Case
    before: Review
    predicted: Prediction
    after: Review

    @property
    def error(self) -> float:
        """Of the rate predicted, relative to the rate measured."""
        return self.predicted.after_per_s / (self.after.capacity.rate_per_s or float("nan")) - 1

    def __str__(self) -> str:
        before, after = self.before.capacity, self.after.capacity
        return (
            f"| {self.predicted.change} | {_shown(before)} | {self.predicted.after_per_s:.0f}/s,"
            f" {self.predicted.limited_by} | {_shown(after)} | {self.error:+.1%} |"
        )


def _shown(found: Capacity) -> str:
    return f"{found.rate_per_s or 0:.0f}/s ({found.low_per_s or 0:.0f} to {found.high_per_s or 0:.0f})"


def search(case: Case, knobs: dict[str, str], budget_s: float, runs: Path) -> tuple[Path, Review]:
    """The capacity of a stack with these knobs, and the folder of its run."""
    control.up(STACK, knobs, say=lambda text: None)
    target = find_target(STACK, control.running_stacks())
    settings = Settings(tuple(parse_slos("p99 < 250ms, errors < 0.1%")), start_per_s=40, budget_s=budget_s)
    found = find_capacity(plan_from(case.scenario), target, settings, runs, PlainProgress(sys.stderr))
    return found.folder, review(open_run(found.folder), found.capacity)


def check(case: Case, budget_s: float, runs: Path) -> Checked:
    """Search, predict the change, measure it. The stack is taken down at the end."""
    try:
        folder, before = search(case, case.knobs, budget_s, runs)
        held = [one for one in stretches(open_run(folder)) if one.response.count]
        system, rate = model(measured_at(held), held[0]), before.capacity.rate_per_s or 0.0
        if why := unexplained(system, rate):
            sys.stderr.write(f"{why}\n")
        _, after = search(case, {**case.knobs, **case.changed}, budget_s, runs)
        return Checked(case, before, predict(system, rate, case.change), after)
    finally:
        control.down(STACK)


def table(checked: list[Checked]) -> str:
    """What each stack answered before and after, and predicted against measured, as Markdown."""
    answers = [f"{told.answer}" for one in checked for told in (one.before, one.after)]
    head = "| What if | Before (90%) | Predicted, limited by | Measured (90%) | Error |"
    return "\n".join([*answers, "", head, "|---|---|---|---|---|", *map(str, checked)])


if __name__ == "__main__":
    outcome = [check(case, BUDGET_S, Path(sys.argv[1])) for case in CASES]
    sys.stdout.write(f"{table(outcome)}\n")
