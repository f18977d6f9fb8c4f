"""Brings a stack up with a fault, loads it, and keeps the run."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

from analysis.bottleneck import Diagnosis, diagnose
from drive.plan import plan_from
from drive.progress import PlainProgress
from drive.runs import run_plan
from drive.target import Target
from results import open_run
from stack import control
from tests.truth.faults.cases import OBJECTIVES, Case

STACK = "truth-faults"
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
        return f"{mark}  {fault:<20} {named:<16} {self.diagnosis.sentence}"


def prove(case: Case, runs: Path, *, seed: int = 1, load: float = 1.0, stack: str = STACK) -> Row:
    """The row of a case: of a run that was not disturbed, where one of some can be had."""
    for attempt in range(TRIES):
        row = record(case, runs, seed=seed + 100 * attempt, load=load, stack=stack)
        if row.right or not row.disturbed:
            break
    return row


def record(case: Case, runs: Path, *, seed: int = 1, load: float = 1.0, stack: str = STACK) -> Row:
    """Make the run of a case on the real stack, which stays up. Raises HarnessError, StackError."""
    settings = {"api.instances": str(case.api_instances)}
    description = control.up(stack, settings, faults=[case.fault] if case.fault else [])
    plan = plan_from(
        case.scenario, stages=case.stages(load), slos=OBJECTIVES, warmup_s=1.0, seed=seed, max_users=400
    )
    folder = run_plan(plan, Target.from_stack(description), runs, PlainProgress(io.StringIO()))
    return judge(case, folder)


def judge(case: Case, run: Path) -> Row:
    """The same for a run that was kept."""
    return Row(case, diagnose(open_run(run)), run)
