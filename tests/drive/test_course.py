from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from drive.course import Course
from drive.plan import Plan
from drive.timed_faults import TimedFault
from results import Endpoint, Histogram, Interval, RunWriter, Stages, open_run

ONE = Histogram.from_values_us([1000])
NOTHING: list[Any] = []
DRAINED = SimpleNamespace(samples=[], gaps=[], events=[], digests=[], logs=[])


class Quiet:
    """A probe, a load process, a progress and an injector that have nothing to say."""

    alive = True
    log_path = Path("load.log")

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: DRAINED if name in ("drain", "finish") else NOTHING


def spans_after(path: Path, plan: Plan, at_s: int, *, hold: bool = False, ended: bool = False) -> list[int]:
    """Lengths of the stored pieces of a run that has come so far."""
    quiet: Any = Quiet()
    with RunWriter(path, id="r", scenario="s", target="t") as writer:
        course = Course(plan, writer, quiet, quiet, quiet, quiet, hold=hold)
        writer.add_intervals(Interval(second, "g0", Endpoint("/"), ONE, ONE) for second in range(at_s))
        course.t0 = time.monotonic() - at_s - 0.1
        course.step()
        if ended:
            course.intake.is_done = True
            course.end()
    return [piece.span_s for piece in open_run(path).intervals()]


@pytest.fixture
def plan() -> Plan:
    return Plan(Path("s.py"), Stages.parse("1/s for 8h"), warmup_s=25)


def test_older_detail_is_folded_while_the_run_goes_on(tmp_path: Path, plan: Plan) -> None:
    assert spans_after(tmp_path / "run.db", plan, 3720) == [10] * 2 + [1] * 10 + [10] * 9 + [1] * 3600


def test_the_rest_is_folded_when_the_run_ends(tmp_path: Path, plan: Plan) -> None:
    spans = spans_after(tmp_path / "run.db", plan, 3720, ended=True)
    assert spans == [10] * 2 + [1] * 10 + [10] * 369


def test_a_run_that_was_ended_within_the_hour_keeps_every_second(tmp_path: Path, plan: Plan) -> None:
    assert set(spans_after(tmp_path / "a" / "run.db", plan, 3540, ended=True)) == {1}
    # Its last load was in the hour, whatever it waited for afterwards.
    assert set(spans_after(tmp_path / "b" / "run.db", plan, 3605, ended=True)) == {1}


def test_a_search_and_a_run_with_faults_keep_every_second(tmp_path: Path, plan: Plan) -> None:
    faulty = replace(plan, faults=(TimedFault("web1-down", 30, 45),))
    assert set(spans_after(tmp_path / "a" / "run.db", faulty, 3720, ended=True)) == {1}
    assert set(spans_after(tmp_path / "b" / "run.db", plan, 3720, hold=True, ended=True)) == {1}
