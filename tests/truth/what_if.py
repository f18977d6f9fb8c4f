"""Two what-ifs on the real stack: predicted from one search, then measured by another.

`python -m tests.truth.what_if FOLDER` brings a stack up with a pool of 5 and two web instances, searches its
capacity, predicts a pool of 10 and a third web instance, then measures both.
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
BEFORE = {"api.pool_size": "5", "web.instances": "2"}
CHANGES = {
    "pool of 10 instead of 5": (
        Change("pool", "API ", 2.0, "pool of 10 instead of 5"),
        {**BEFORE, "api.pool_size": "10"},
    ),
    "3 web instances instead of 2": (
        Change("instances", "web", 1.5, "3 web instances instead of 2"),
        {**BEFORE, "web.instances": "3"},
    ),
}


@dataclass(frozen=True)
class Checked:
    """One what-if: what the model said, and what a search of the changed stack found."""

    predicted: Prediction
    before: Capacity
    told: Review

    @property
    def after(self) -> Capacity:
        """What the search of the changed stack found."""
        return self.told.capacity

    @property
    def error(self) -> float:
        """Of the rate predicted, relative to the rate measured."""
        return self.predicted.after_per_s / (self.after.rate_per_s or float("nan")) - 1

    @property
    def within(self) -> bool:
        """Whether the prediction lies within what the second search allows, or misses it by 25% at most."""
        low, high = self.after.low_per_s or 0.0, self.after.high_per_s or 0.0
        return 0.75 * low <= self.predicted.after_per_s <= 1.25 * high

    def __str__(self) -> str:
        before, after = self.before, self.after
        return (
            f"| {self.predicted.change} | {_shown(before)} | {self.predicted.after_per_s:.0f}/s,"
            f" {self.predicted.limited_by} | {_shown(after)} | {self.error:+.0%} |"
        )


def _shown(found: Capacity) -> str:
    return f"{found.rate_per_s or 0:.0f}/s ({found.low_per_s or 0:.0f} to {found.high_per_s or 0:.0f})"


def search(knobs: dict[str, str], budget_s: float, runs: Path) -> tuple[Path, Review]:
    """The capacity of a stack with these knobs, and the folder of its run."""
    control.up(STACK, knobs, say=lambda text: None)
    target = find_target(STACK, control.running_stacks())
    settings = Settings(tuple(parse_slos("p99 < 250ms, errors < 0.1%")), start_per_s=50, budget_s=budget_s)
    found = find_capacity(plan_from("web/trpc"), target, settings, runs, PlainProgress(sys.stderr))
    return found.folder, review(open_run(found.folder), found.capacity)


def check(budget_s: float, runs: Path) -> tuple[Review, list[Checked]]:
    """Search, predict both changes, measure both. The stack is taken down at the end."""
    try:
        folder, told = search(BEFORE, budget_s, runs)
        held = [one for one in stretches(open_run(folder)) if one.response.count]
        system = model(measured_at(held), held[0])
        rate = told.capacity.rate_per_s or 0.0
        if why := unexplained(system, rate):
            sys.stdout.write(f"{why}\n")
        checked = []
        for change, knobs in CHANGES.values():
            predicted = predict(system, rate, change)
            _, after = search(knobs, budget_s, runs)
            checked.append(Checked(predicted, told.capacity, after))
        return told, checked
    finally:
        control.down(STACK)


def table(checked: list[Checked]) -> str:
    """What each changed stack answered, and predicted against measured, as Markdown."""
    answers = "\n".join(f"{one.predicted.change}: {one.told.answer}" for one in checked)
    head = "| What if | Before (90%) | Predicted, limited by | Measured (90%) | Error |"
    return "\n".join([answers, "", head, "|---|---|---|---|---|", *map(str, checked)])


if __name__ == "__main__":
    before, outcome = check(90.0, Path(sys.argv[1]))
    sys.stdout.write(f"{before.answer}\n{table(outcome)}\n")
