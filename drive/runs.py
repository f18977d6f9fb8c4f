"""Making runs: one by itself, or several at the same time, each from its empty folder to its stored end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from analysis.summary import summary_of
from drive.course import LEAD_S, Course
from drive.plan import Plan
from drive.prepared import Prepared, prepare
from drive.progress import Progress
from drive.target import Target
from results import HarnessError, RunWriter, open_run

APART_S = 0.37
"""Between the beginnings of runs that are made at once: with the same seed all their arrivals are twins,
which must not compete for the processor in the same instant."""


@dataclass(frozen=True)
class Asked:
    """A run to be made in a folder; `info` is kept with it."""

    prepared: Prepared
    folder: Path
    progress: Progress
    info: dict[str, Any] = field(default_factory=dict)


def run_plan(plan: Plan, target: Target, runs: Path, progress: Progress) -> Path:
    """Make one run in a new folder in `runs`; returns the folder.

    What was measured is kept whatever happens, and says how it ended. Raises HarnessError;
    KeyboardInterrupt passes on after everything was written down.
    """
    prepared = prepare(plan, target)
    folder = new_folder(runs, plan)
    run_at_once([Asked(prepared, folder, progress)])
    return folder


def run_at_once(asked: Sequence[Asked]) -> None:
    """Make runs at the same time, each beginning a little after the one before it.

    All of them end when one cannot go on, and what was measured is kept. Raises as `run_plan` does.
    """
    courses: list[Course] = []
    with ExitStack() as ends:
        try:
            for one in asked:
                courses.append(one.prepared.course(one.folder, one.progress, **one.info))
                ends.callback(_end, courses[-1])
            ends.callback(_stop, courses)
            _keep(courses)
        except BaseException as problem:
            state = "interrupted" if isinstance(problem, KeyboardInterrupt) else "aborted"
            for course in courses:
                course.state = state if not course.done else course.state
            raise
    for course in courses:
        course.faults.check()


def _keep(courses: Sequence[Course]) -> None:
    """All of them from their generators' start to the end of the last one's load."""
    for course in courses:
        course.start()
    for course in courses:
        course.wait_until_ready()
    t0 = time.monotonic() + LEAD_S
    for place, course in enumerate(courses):
        course.go(t0 + place * APART_S)
    going = list(courses)
    while going:
        going = [course for course in going if course.step()]


def _stop(courses: Sequence[Course]) -> None:
    """End the load of all before one waits for its last words."""
    for course in courses:
        course.stop()


def _end(course: Course) -> None:
    try:
        course.end()
    finally:
        course.progress.close()
        measured = {"duration_s": course.plan.stages.duration_s} if course.state == "finished" else {}
        _conclude(course.writer, course.state, **measured)


def _conclude(writer: RunWriter, state: str, **measured: Any) -> None:
    """Write how the run ended, and the figures and the word that lists show of it; then close it."""
    try:
        writer.update(state=state, **measured)
        writer.commit()
        told = open_run(writer.path)
        try:
            summary = summary_of(told)
        finally:
            told.close()
        writer.update(verdict=summary.verdict, figures=dict(summary.figures))
    finally:
        writer.close(state)


def new_folder(runs: Path, plan: Plan, kind: str = "") -> Path:
    """A folder for a new run: its name says when and what, and sorts by time; `kind` where it is no run."""
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    base = "-".join(filter(None, (stamp, plan.scenario.parent.name, plan.scenario.stem, kind)))
    for number in range(1, 100):
        folder = runs / (base if number == 1 else f"{base}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as problem:
            raise HarnessError(
                f"cannot make {folder}: {problem.strerror}; use --runs for another place"
            ) from problem
        return folder
    raise HarnessError(f"{runs} is full of runs of this second: try again")
