"""Brings a stack up with a fault, loads it, and keeps the run."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from pathlib import Path

from analysis.bottleneck import Diagnosis, diagnose
from analysis.capacity import Settings
from drive.capacity import find_capacity
from drive.plan import plan_from
from drive.progress import PlainProgress
from drive.runs import run_plan
from drive.target import Target
from results import open_run, parse_slos
from stack import control
from tests.truth.faults.cases import OBJECTIVES, Case

STACK = "truth-faults"
USUAL = {"api.instances": "1", "db.round_trip_ms": "0"}
"""What a case's settings change: a stack that stays up keeps what it was told before."""
SEARCH_S = 120.0
TRIES = 3
"""A run whose generator was at its limit, or whose machine was busy with other things, proves nothing."""


@dataclass(frozen=True)
class Row:
    """One line of the table: what was wrong, what was named first, and why."""

    case: Case
    diagnosis: Diagnosis
    run: Path

    @property
    def named(self) -> str:
        """The code of what was named first; "" for nothing."""
        first = self.diagnosis.first
        return first.code if first is not None else ""

    @property
    def right(self) -> bool:
        """Whether it is what was wrong, and nothing is claimed of a healthy stack."""
        return self.named == self.case.named and self.diagnosis.state == ("found" if self.named else "none")

    @property
    def disturbed(self) -> bool:
        """Whether what was named is no part of the stack: the generator, or others' work on the machine."""
        first = self.diagnosis.first
        others = first is not None and first.code == "host-cpu" and "no part of the system" in first.sentence
        return self.diagnosis.state == "generator" or others

    def __str__(self) -> str:
        mark = "right" if self.right else "WRONG"
        fault = self.case.fault or "none, healthy"
        named = self.named or self.diagnosis.state
        return f"{mark}  {fault:<20} {named:<16} {self.case.stages()}: {self.diagnosis.sentence}"


def prove(case: Case, runs: Path, *, seed: int = 1, load: float = 1.0, stack: str = STACK) -> Row:
    """The row of a case: of a run that was not disturbed, where one of some can be had.

    The healthy stack is loaded with half of what it carries, by a search before.
    """
    if not case.fault:
        case = replace(case, rate_per_s=round(capacity_per_s(case, runs, stack) / 2))
    for attempt in range(TRIES):
        row = record(case, runs, seed=seed + 100 * attempt, load=load, stack=stack)
        if row.right or not row.disturbed:
            break
    return row


def capacity_per_s(case: Case, runs: Path, stack: str = STACK) -> float:
    """What the stack of a case carries. Raises AssertionError where two minutes do not find it."""
    target = Target.from_stack(control.up(stack, USUAL | dict(case.settings)))
    settings = Settings(tuple(parse_slos(OBJECTIVES)), budget_s=SEARCH_S)
    found = find_capacity(plan_from(case.scenario), target, settings, runs, PlainProgress(io.StringIO()))
    assert found.capacity.rate_per_s, found.capacity.claim
    return found.capacity.rate_per_s


def record(case: Case, runs: Path, *, seed: int = 1, load: float = 1.0, stack: str = STACK) -> Row:
    """Make the run of a case on the real stack, which stays up. Raises HarnessError, StackError."""
    description = control.up(stack, USUAL | dict(case.settings), faults=[case.fault] if case.fault else [])
    plan = plan_from(
        case.scenario, stages=case.stages(load), slos=OBJECTIVES, warmup_s=1.0, seed=seed, max_users=400
    )
    folder = run_plan(plan, Target.from_stack(description), runs, PlainProgress(io.StringIO()))
    return judge(case, folder)


def judge(case: Case, run: Path) -> Row:
    """The same for a run that was kept."""
    return Row(case, diagnose(open_run(run)), run)
