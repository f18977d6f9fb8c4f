"""The capacity search on a real system: one course of load whose rate the search sets from level to level."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from analysis.capacity import (
    PURPOSE_WORDS,
    Capacity,
    Done,
    Judged,
    Level,
    LevelResult,
    Search,
    Settings,
    Window,
    answer,
    level_problems,
    outcome_words,
    window,
)
from drive.course import Course
from drive.plan import Plan
from drive.prepared import prepare
from drive.progress import Progress
from drive.runs import new_folder
from drive.target import Target
from results import Event, Flow, Interval, Sample, Stages, UsageError
from results.units import show_rate

REST_S = 5.0
"""Beyond the budget: what the end of the last level may take."""
KEPT_S = 120
"""Seconds of load that are kept in memory: longer than any level with its lag."""


class Pilot:
    """Hooks into a course: hears each second, and sets the rate that the search asks for next."""

    def __init__(self, search: Search) -> None:
        self.search = search
        self.done: Done | None = None
        self._lag_s = math.ceil(search.settings.lag_s) + 1
        self._intervals: dict[int, list[Interval]] = defaultdict(list)
        self._flows: dict[int, list[Flow]] = defaultdict(list)
        self._samples: list[Sample] = []
        self._level: Level | None = None
        self._from_s = 0
        self._next_s = 0
        """The next second to be looked at: the level's, or one still at the rate of the level before."""
        self._judged_s = 0.0
        self._windows: list[Window] = []
        self._untold_s: int | None = None
        """Where the last level that was judged began, until all of its seconds are known."""

    def __call__(self, course: Course) -> None:
        """Once a second of the course."""
        self._listen(course)
        if self.done is not None:
            return
        if self._level is None:
            self._turn(course)
            return
        known_s = int(course.at_s) - 1
        while self._next_s + self._lag_s <= known_s:
            second, self._next_s = self._next_s, self._next_s + 1
            seen = window(second, self._intervals, self._flows, self.search.settings.slos, known_s)
            if second < self._from_s:
                self._late(second, seen)
                continue
            self.write_down(course)
            self._windows.append(seen)
            if self.search.enough(self._level, self._windows):
                self._end_level(course)
                return

    def interrupt(self, course: Course) -> None:
        """The search ends here: a level that was held for long enough still counts."""
        self.write_down(course)
        long_enough = self._level is not None and len(self._windows) >= self._level.min_s
        if self.done is None and long_enough:
            self._judge(course)
            self.write_down(course)
        self.done = self.done or Done("interrupted")

    def _end_level(self, course: Course) -> None:
        """Judge the level and turn to the next; until that begins, load goes on at this one's rate."""
        self._judge(course)
        self._turn(course)
        if self.done is not None:
            self.write_down(course)

    @property
    def _late_until_s(self) -> int:
        """Seconds before this one were over, with all their requests, before the level's rate began."""
        return self._from_s - math.ceil(self.search.settings.lag_s)

    def _late(self, second: int, seen: Window) -> None:
        """A second at the rate of the level before that was not known yet when that was judged."""
        if second < self._late_until_s:
            self.search.extend(seen)

    def _listen(self, course: Course) -> None:
        for piece in course.intake.intervals:
            self._intervals[piece.second].append(piece)
        for flow in course.intake.flows:
            self._flows[flow.second].append(flow)
        self._samples += [one for one in course.intake.samples if one.tier in ("generator", "host")]

    def _judge(self, course: Course) -> None:
        """The level is over: tell the search, and whoever looks on."""
        assert self._level is not None
        level, to_s = self._level, self._next_s
        took_s, self._judged_s = course.at_s - self._judged_s, course.at_s
        problems = level_problems(
            level.rate_per_s,
            [flow for second in range(self._from_s, to_s) for flow in self._flows.get(second, ())],
            self._samples,
            course.intake.lost,
            self.search.settings.slos,
        )
        self.search.observe(LevelResult(level, tuple(self._windows), took_s, problems))
        self._untold_s = self._from_s
        course.progress.phase(f"  {self._story(self.search.history[-1])}")
        self._forget()

    def write_down(self, course: Course) -> None:
        """Store the last level that was judged, with all the seconds that count for it; once."""
        if self._untold_s is None:
            return
        seen, from_s, self._untold_s = self.search.history[-1], self._untold_s, None
        outcome, level, problems = self.search.outcome(seen), seen.result.level, seen.result.problems
        data: dict[str, Any] = {
            "from_s": from_s,
            "to_s": from_s + len(seen.result.windows),
            "rate_per_s": level.rate_per_s,
            "purpose": level.purpose,
            "passed": bool(seen.kept_all),
            "outcome": outcome,
            "settle_s": seen.settle_s,
            "overloaded": seen.overloaded,
            "problems": list(problems),
        }
        text = _said(level, outcome_words(outcome, bool(seen.kept_all)), problems)
        course.writer.add_events([Event(from_s, "level", text, data=data)])

    def _story(self, seen: Judged) -> str:
        """The level in a line, with what is known of the limit by now."""
        level, outcome = seen.result.level, self.search.outcome(seen)
        said = _said(level, outcome_words(outcome, bool(seen.kept_all)), seen.result.problems)
        if self.search.bracketed:
            best = self.search.best()
            said += f"; limit so far {show_rate(best.low_per_s)} to {show_rate(best.high_per_s)}"
        return said

    def _forget(self) -> None:
        """Let go of what lies too far back for any level to come."""
        oldest = self._next_s - KEPT_S
        for heard in (self._intervals, self._flows):
            for second in [second for second in heard if second < oldest]:
                del heard[second]
        self._samples = [one for one in self._samples if one.at_s >= oldest]

    def _turn(self, course: Course) -> None:
        """Ask the search what comes next, from the next whole second on."""
        step = self.search.next()
        if isinstance(step, Done):
            self.done = step
            course.load.stop()
            return
        self._level, self._windows = step, []
        self._from_s = int(course.at_s) + 1
        if not self.search.history:
            self._next_s = self._from_s
        course.load.set_rate(step.rate_per_s, float(self._from_s))
        course.asked_per_s = step.rate_per_s


def _said(level: Level, ended: str, problems: tuple[str, ...]) -> str:
    what = PURPOSE_WORDS[level.purpose]
    ended = "" if level.purpose == "recover" else f": {ended}"
    return f"{show_rate(level.rate_per_s)} ({what}){ended}{f', {problems[0]}' if problems else ''}"


@dataclass(frozen=True)
class Found:
    """A search that ended: its run's folder, its answer, and whether the user ended it."""

    folder: Path
    capacity: Capacity
    interrupted: bool


def find_capacity(
    plan: Plan, target: Target, settings: Settings, runs: Path, progress: Progress, **info: Any
) -> Found:
    """Search for the highest rate within the objectives. The answer is kept in run.db, with `info` beside.

    Ctrl-C ends the search early, with the answer that the levels so far give. Raises HarnessError.
    """
    if plan.faults:
        raise UsageError("a capacity search takes no timed faults: leave them out of the plan")
    load = Stages.constant(settings.start_per_s, settings.budget_s + REST_S)
    plan = replace(plan, stages=load, slos=list(settings.slos), warmup_s=0.0)
    prepared = prepare(plan, target)
    folder = new_folder(runs, plan)
    course = prepared.course(folder, progress, hold=True, kind="capacity", **info)
    pilot = Pilot(Search(settings))
    course.each_second.append(pilot)
    try:
        course.begin()
        course.keep()
    except KeyboardInterrupt:
        course.state = "interrupted"
        pilot.interrupt(course)
    except BaseException:
        course.state = "aborted"
        raise
    finally:
        try:
            course.end()
        finally:
            progress.close()
            pilot.write_down(course)
            found = answer(pilot.search, pilot.done or Done("aborted"))
            course.writer.close(course.state, capacity=found.to_dict())
    return Found(folder, found, course.state == "interrupted")
