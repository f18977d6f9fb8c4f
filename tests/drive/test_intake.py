"""What generators and probes tell is stored as they told it, and heard by hooks once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from drive.intake import Intake
from results import Account, Endpoint, Flow, Histogram, Interval, Run, RunWriter, Sample, open_run

LIST = Endpoint("todo.list", "trpc")
TIMES = Histogram.from_values_us([10_000, 20_000])


@pytest.fixture
def intake(tmp_path: Path) -> Iterator[Intake]:
    facts = {"id": "r", "scenario": "s.py", "target": "t", "started_at": "2026-01-05T06:00:00+00:00"}
    with RunWriter(tmp_path / "run.db", **facts) as writer:
        yield Intake(writer)


def stored(intake: Intake) -> Run:
    intake.writer.commit()
    return open_run(intake.writer.path)


def test_requests_and_arrivals_are_stored_and_heard_until_they_are_forgotten(intake: Intake) -> None:
    piece = Interval(3, "g0", LIST, TIMES, TIMES, 1, 500, {"status 500": (1, "broken")})
    flow = Flow(3, "g0", 2, 2, 1, 1, 2, wake_lag=TIMES)
    for frame in (piece.to_frame(), flow.to_frame()):
        intake.take(frame)
    assert (intake.intervals, intake.flows) == ([piece], [flow])
    assert intake.live.moment(4.0, 10.0, 2.0).requests_per_s == 2
    intake.forget()
    assert (intake.intervals, intake.flows) == ([], [])
    with closing(stored(intake)) as run:
        assert list(run.intervals()) == [piece]
        assert run.flows[0].wake_lag == TIMES


def test_a_generator_s_health_is_told_for_the_end_of_its_second(intake: Intake) -> None:
    told = {"t": "health", "generator": "g1", "second": 7, "cpu_ratio": 0.25, "note": "words"}
    intake.take({**told, "counters": {"browser_cache.hits": 12}})
    assert intake.samples == [
        Sample(8.0, "generator", "g1", "cpu_ratio", 0.25),
        Sample(8.0, "generator", "g1", "browser_cache.hits", 12.0, "counter"),
    ]
    assert intake.live.moment(9.0, 10.0, 2.0).busiest == "g1 25%"
    with closing(stored(intake)) as run:
        assert [(one.metric, one.kind) for one in run.series()] == [
            ("browser_cache.hits", "counter"),
            ("cpu_ratio", "gauge"),
        ]


def test_a_generator_that_is_lost_is_named_with_its_second(intake: Intake) -> None:
    intake.take({"t": "lost", "generator": "g1", "second": 65, "reason": "it was killed"})
    assert intake.lost == ["generator g1 was lost at 65 s: it was killed"]
    with closing(stored(intake)) as run:
        (event,) = run.events
        assert (event.at_s, event.kind, event.text, event.instance) == (65, "lost", intake.lost[0], "g1")


def test_accounts_are_kept_by_generator(intake: Intake) -> None:
    for generator, finished in (("g0", 5), ("g1", 6), ("g1", 7)):
        account = {"scheduled": 9, "finished": finished, "failed": 1, "unfinished": 1, "never_started": 0}
        intake.take({"t": "account", "generator": generator, **account})
    with closing(stored(intake)) as run:
        assert run.accounts == {"g0": Account(9, 5, 1, 1), "g1": Account(9, 7, 1, 1)}


@pytest.mark.parametrize(
    ("frame", "state"),
    [
        ({"t": "ready"}, (True, False, False, 0)),
        ({"t": "done"}, (False, True, False, 0)),
        (
            {"t": "event", "kind": "aborted", "text": "no user could start", "at_s": 0},
            (False, False, True, 0),
        ),
        ({"t": "event", "kind": "task-error", "text": "KeyError", "at_s": 1.5}, (False, False, False, 0)),
        ({"t": "workers", "came": 2, "of": 3}, (False, False, False, 2)),
    ],
)
def test_how_far_load_has_come(
    intake: Intake, frame: dict[str, Any], state: tuple[bool, bool, bool, int]
) -> None:
    intake.take(frame)
    assert (intake.is_ready, intake.is_done, intake.is_aborted, intake.came) == state
    with closing(stored(intake)) as run:
        assert [event.text for event in run.events] == ([frame["text"]] if "text" in frame else [])
