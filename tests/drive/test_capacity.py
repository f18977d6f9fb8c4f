"""What steers a search: levels are judged when they can be, and every second counts against the budget."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from analysis.capacity import Level, LevelResult, Search, Settings, Window, answer
from analysis.slo import Count
from drive.capacity import Pilot
from results import Endpoint, Event, Flow, Histogram, Interval, Sample, parse_slos

READ = Endpoint("todo.list", "trpc")
CARRIES_PER_S = 90.0


class Scripted:
    """As much of a course as the pilot uses, over a system that is quick up to a rate and late beyond it.

    What a second held is heard in the next one, and the pilot is called late within its second.
    """

    def __init__(self, start_per_s: float, late_s: float = 0.9) -> None:
        self.at_s, self.late_s = 0.0, late_s
        self.rates = [(0.0, start_per_s)]
        self.asked_per_s: float | None = None
        self.events: list[Event] = []
        self.said: list[str] = []
        self.stopped = False
        self.intake = SimpleNamespace(intervals=[], flows=[], samples=[], lost=[])
        self.load = SimpleNamespace(set_rate=self._set_rate, stop=self._stop)
        self.writer = SimpleNamespace(add_events=self.events.extend)
        self.progress = SimpleNamespace(phase=self.said.append)

    def _set_rate(self, rate_per_s: float, from_s: float) -> None:
        self.rates.append((from_s, rate_per_s))

    def _stop(self) -> None:
        self.stopped = True

    def rate_at(self, second: int) -> float:
        return next(rate for from_s, rate in reversed(self.rates) if from_s <= second)

    def fly(self, pilot: Any, at_most_s: int = 1000) -> None:
        """Second by second until the pilot ends load."""
        for second in range(at_most_s):
            self.at_s = second + 1 + self.late_s
            self.intake.intervals, self.intake.flows = [self._interval(second)], [self._flow(second)]
            pilot(self)
            if self.stopped:
                return
        pytest.fail("the pilot never ended load")

    def _interval(self, second: int) -> Interval:
        rate = self.rate_at(second)
        times = np.full(round(rate), 10_000.0 if rate <= CARRIES_PER_S else 900_000.0)
        return Interval(second, "g0", READ, Histogram.from_values_us(times), Histogram.from_values_us(times))

    def _flow(self, second: int) -> Flow:
        due = round(self.rate_at(second))
        return Flow(
            second, "g0", due, due, due, 0, due, 1, 0, 50, Histogram.from_values_us(np.full(due, 300.0))
        )


def flown(budget_s: float, late_s: float = 0.9, slo: str = "p99 < 250ms") -> tuple[Scripted, Pilot]:
    settings = Settings(tuple(parse_slos(slo)), budget_s=budget_s)
    course, pilot = Scripted(settings.start_per_s, late_s), Pilot(Search(settings))
    course.fly(pilot)
    return course, pilot


@pytest.mark.parametrize("budget_s", [48, 60, 100, 290])
@pytest.mark.parametrize("late_s", [0.05, 0.95])
def test_load_ends_within_the_budget_by_the_clock_of_the_run(budget_s: float, late_s: float) -> None:
    course, pilot = flown(budget_s, late_s)
    assert course.at_s <= budget_s + 1
    assert pilot.search.spent_s == pytest.approx(course.at_s)


def test_each_level_is_written_down_with_the_seconds_that_it_was_held_and_its_outcome() -> None:
    course, pilot = flown(120)
    levels = [event.data for event in course.events if event.kind == "level"]
    assert len(levels) == len(pilot.search.history)
    assert [level["rate_per_s"] for level in levels[:3]] == [25, 50, 100]
    assert [level["passed"] for level in levels[:3]] == [True, True, False]
    assert course.said[0].strip() == "25/s (doubling): kept, not yet sure"
    assert course.said[2].strip().startswith("100/s (doubling): missed; limit so far ")
    for level in levels:
        held = {course.rate_at(second) for second in range(int(level["from_s"]), int(level["to_s"]))}
        assert held == {level["rate_per_s"]}
    ends = [level["to_s"] for level in levels]
    assert all(begin["from_s"] >= end for begin, end in zip(levels[1:], ends, strict=False))


def test_seconds_at_a_levels_rate_that_are_known_late_count_for_it() -> None:
    course, pilot = flown(120)
    levels = [event.data for event in course.events if event.kind == "level"]
    for level, seen in zip(levels[:-1], pilot.search.history, strict=False):
        windows = seen.result.windows
        assert len(windows) == level["to_s"] - level["from_s"]
        assert {window.scheduled for window in windows} == {round(level["rate_per_s"])}
    # Load goes on while a level is judged: two seconds more than were asked for.
    first = pilot.search.history[0].result
    assert len(first.windows) == first.level.min_s + 2
    # Of the last one nothing comes after its judgement.
    last = pilot.search.history[-1].result
    assert len(last.windows) == last.level.max_s


def test_what_is_written_down_of_a_level_is_what_the_answer_says_of_it() -> None:
    course, pilot = flown(120)
    assert pilot.done is not None
    told = [event.data for event in course.events if event.kind == "level"]
    said = answer(pilot.search, pilot.done).levels
    assert [one["outcome"] for one in told if one["purpose"] != "recover"] == [
        level.outcome for level in said if level.purpose != "recover"
    ]
    assert [one["passed"] for one in told] == [level.kept for level in said]


def test_a_level_that_was_judged_is_written_down_when_the_user_ends_the_search() -> None:
    course = Scripted(25.0)
    pilot = Pilot(Search(Settings(tuple(parse_slos("p99 < 250ms")))))

    def until_one_is_judged(of: Any) -> None:
        pilot(of)
        of.stopped = bool(pilot.search.history)

    course.fly(until_one_is_judged)
    assert not course.events  # its last seconds are not known yet
    pilot.interrupt(course)  # type: ignore[arg-type]
    (event,) = course.events
    assert (event.data["rate_per_s"], event.data["passed"]) == (25, True)


def test_an_objective_without_requests_is_not_kept_however_short_the_search() -> None:
    _, pilot = flown(48, slo="todo.lst p99 < 250ms, p99 < 250ms")
    assert pilot.done is not None
    found = answer(pilot.search, pilot.done)
    assert not found.found
    assert found.why == "no request of todo.lst was measured"


def test_a_pause_is_as_long_as_it_took_to_recover() -> None:
    search = Search(Settings(tuple(parse_slos("p99 < 250ms"))))
    level = Level(50.0, "recover", 2, 30)
    still = Window(50, 50, 1, 10_000.0, (Count(50, 0),))
    search.observe(LevelResult(level, (still, still), 5.0))
    search.extend(still)
    assert len(search.history[0].result.windows) == 2


def test_a_level_is_not_judged_before_its_last_request_is_older_than_every_limit() -> None:
    class Watching(Scripted):
        judged: list[tuple[float, float]]

    course = Watching(25.0)
    course.judged = []
    pilot = Pilot(Search(Settings(tuple(parse_slos("p99 < 3s")), budget_s=120)))
    told = course.events

    def heard(of: Any) -> None:
        before = len(told)
        pilot(of)
        held_s = len(pilot.search.history[-1].result.windows) if told[before:] else 0
        course.judged += [(course.at_s, event.data["from_s"] + held_s) for event in told[before:]]

    course.fly(heard)
    assert course.judged
    assert all(at_s >= to_s + 3 for at_s, to_s in course.judged)
    # Nor does a second count whose requests may still be under way when the next level begins.
    levels = [event.data for event in told]
    assert all(later["from_s"] >= level["to_s"] + 3 for level, later in itertools.pairwise(levels))


def test_an_objective_about_requests_that_never_come_ends_the_search() -> None:
    course, pilot = flown(290, slo="todo.lst p99 < 250ms, p99 < 250ms")
    assert pilot.done is not None
    assert pilot.done.reason == "not measured"
    assert max(rate for _, rate in course.rates) <= 800


def test_a_level_at_which_the_generator_ran_out_of_ports_is_no_evidence_and_the_one_after_it_may_be() -> None:
    class OutOfPorts(Scripted):
        faults = 0.0

        def _interval(self, second: int) -> Interval:
            self.faults += 3 if self.rate_at(second) >= 60 else 0
            self.intake.samples = [Sample(second + 1.0, "generator", "g0", "own_faults", self.faults)]
            return super()._interval(second)

    course = OutOfPorts(25.0)
    course.fly(Pilot(Search(Settings(tuple(parse_slos("p99 < 250ms")), budget_s=120))))
    levels = [event.data for event in course.events if event.kind == "level"]
    assert {level["rate_per_s"] >= 60 for level in levels} == {True, False}
    assert levels[-1]["rate_per_s"] < 60
    for level in levels:
        said = "".join(level["problems"])
        assert ("network errors of its own machine" in said) is (level["rate_per_s"] >= 60)
