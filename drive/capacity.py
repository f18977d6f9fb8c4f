"""The capacity search on a real system: one course of load whose rate the search sets from level to level."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from analysis.capacity import Capacity, Done, Level, LevelResult, Search, Settings, Window, answer, window
from drive.course import Course, make_course, new_folder
from drive.host import environment
from drive.plan import Plan
from drive.progress import Progress
from drive.target import Target
from results import Event, Flow, Interval, RunWriter, Stages, UsageError
from results.units import show_rate

REST_S = 5.0
"""Beyond the budget: what the end of the last level may take."""


class Pilot:
    """Hooks into a course: hears each second, and sets the rate that the search asks for next."""

    def __init__(self, search: Search) -> None:
        self.search = search
        self.done: Done | None = None
        self._lag_s = math.ceil(search.settings.lag_s) + 1
        self._intervals: dict[int, list[Interval]] = defaultdict(list)
        self._flows: dict[int, list[Flow]] = defaultdict(list)
        self._level: Level | None = None
        self._from_s = 0
        self._windows: list[Window] = []

    def __call__(self, course: Course) -> None:
        """Once a second of the course."""
        self._listen(course)
        if self.done is not None:
            return
        if self._level is None:
            self._turn(course)
            return
        known_s = int(course.at_s) - 1
        second = self._from_s + len(self._windows)
        while second + self._lag_s <= known_s:
            self._windows.append(
                window(second, self._intervals, self._flows, self.search.settings.slos, known_s)
            )
            if self.search.enough(self._level, self._windows):
                self._judge(course)
                self._turn(course)
                return
            second += 1

    def _listen(self, course: Course) -> None:
        for piece in course.intervals:
            self._intervals[piece.second].append(piece)
        for flow in course.flows:
            self._flows[flow.second].append(flow)
        course.intervals.clear()
        course.flows.clear()

    def _judge(self, course: Course) -> None:
        """The level is over: tell the search, and write it down."""
        assert self._level is not None
        level, took_s = self._level, course.at_s - self._from_s
        self.search.observe(LevelResult(level, tuple(self._windows), took_s, ()))
        seen = self.search.history[-1]
        data = {
            "from_s": self._from_s,
            "to_s": self._from_s + len(self._windows),
            "rate_per_s": level.rate_per_s,
            "purpose": level.purpose,
            "passed": bool(seen.kept_all),
            "outcome": self.search.outcome(seen),
        }
        text = f"{show_rate(level.rate_per_s)} ({level.purpose}): {data['outcome']}"
        course.writer.add_events([Event(self._from_s, "level", text, data=data)])
        course.progress.phase(f"  level {text}")

    def _turn(self, course: Course) -> None:
        """Ask the search what comes next, from the next whole second on."""
        step = self.search.next()
        if isinstance(step, Done):
            self.done = step
            course.load.stop()
            return
        self._level, self._windows = step, []
        self._from_s = int(course.at_s) + 1
        course.load.set_rate(step.rate_per_s, float(self._from_s))


def find_capacity(
    plan: Plan, target: Target, settings: Settings, runs: Path, progress: Progress
) -> tuple[Path, Capacity]:
    """Search for the highest rate within the objectives; returns the run's folder and the answer.

    The answer is kept in run.db and beside it as capacity.json. Raises HarnessError.
    """
    if plan.faults:
        raise UsageError("a capacity search takes no timed faults: leave them out of the plan")
    length_s = settings.budget_s + REST_S
    plan = replace(plan, stages=Stages.constant(settings.start_per_s, length_s), warmup_s=0.0)
    folder = new_folder(runs, plan)
    slos = ", ".join(slo.text for slo in settings.slos)
    writer = RunWriter(
        folder / "run.db",
        id=folder.name,
        kind="capacity",
        scenario=plan.scenario_name,
        target=target.name,
        started_at=datetime.now(UTC).isoformat(),
        slos=slos,
        warmup_s=0.0,
        plan=plan.public(),
        environment=environment(target),
    )
    course = make_course(plan, target, writer, folder, progress, hold=True)
    pilot = Pilot(Search(settings))
    course.each_second.append(pilot)
    try:
        course.begin()
        course.keep()
    except BaseException as problem:
        course.state = "interrupted" if isinstance(problem, KeyboardInterrupt) else "aborted"
        raise
    finally:
        try:
            course.end()
        finally:
            progress.close()
            writer.close(course.state)
    found = answer(pilot.search, pilot.done or Done("not valid"))
    (folder / "capacity.json").write_text(json.dumps(found.to_dict(), indent=1, default=str))
    return folder, found
