from __future__ import annotations

import time

import gevent
import pytest
from gevent import getcurrent

from load.recorder import Arrival, Recorder
from load.server_timing import server_timing_us
from results import Endpoint, Interval


@pytest.fixture
def recorder() -> Recorder:
    made = Recorder("g0")
    made.t0 = 100.0
    return made


def in_arrival(arrival: Arrival | None, work: object) -> None:
    """Do something as a user's greenlet would that works for an arrival."""

    def run() -> None:
        getcurrent().arrival = arrival
        assert callable(work)
        work()

    greenlet = gevent.spawn(run)
    greenlet.get()


def only(pieces: list[Interval]) -> Interval:
    (piece,) = pieces
    return piece


def test_a_request_is_counted_in_the_second_of_its_intended_start(recorder: Recorder) -> None:
    late = Arrival(101.9)
    late.late_s = 0.3
    in_arrival(late, lambda: recorder.record("home", "page", 102.2, 102.25, 10))
    piece = only(recorder.flush())
    assert (piece.second, piece.bytes_received) == (1, 10)
    assert piece.endpoint == Endpoint("home", "page")
    assert piece.service.quantile_us(0.5) == pytest.approx(50_000, rel=0.004)
    assert piece.response.quantile_us(0.5) == pytest.approx(350_000, rel=0.004)


def test_only_the_first_request_carries_the_arrivals_lateness(recorder: Recorder) -> None:
    late = Arrival(101.0)
    late.late_s = 1.0

    def two() -> None:
        recorder.record("a", "http", 102.0, 102.1)
        recorder.record("b", "http", 102.1, 102.2)

    in_arrival(late, two)
    first, second = recorder.flush()
    assert first.response != first.service
    assert second.response == second.service


def test_requests_outside_an_arrival_are_setup(recorder: Recorder) -> None:
    recorder.record("sign-in", "page", 99.0, 99.5)
    piece = only(recorder.flush())
    assert piece.endpoint.setup
    assert piece.second == 0


def test_requests_of_greenlets_that_a_task_spawns_belong_to_its_arrival(recorder: Recorder) -> None:
    arrival = Arrival(101.0)

    def parallel() -> None:
        gevent.joinall([gevent.spawn(recorder.record, "asset", "asset", 101.0, 101.1, 1, "timeout", "late")])

    in_arrival(arrival, parallel)
    assert not only(recorder.flush()).endpoint.setup
    assert arrival.failed


def test_errors_are_counted_by_kind_with_the_first_text(recorder: Recorder) -> None:
    for number in range(3):
        recorder.record("a", "http", 101.0, 101.1, 0, "status 503", f"text {number}")
    recorder.record("a", "http", 101.0, 101.1, 0, "timeout", "x" * 1000)
    recorder.record("a", "http", 101.0, 101.1)
    piece = only(recorder.flush())
    assert piece.failed == 4
    assert piece.count == 5
    assert piece.errors["status 503"] == (3, "text 0")
    assert len(piece.errors["timeout"][1]) == 300


def test_what_is_flushed_is_not_told_again_and_folding_changes_nothing(recorder: Recorder) -> None:
    for at in (101.1, 101.2, 102.3):
        recorder.record("a", "http", at, at + 0.1)
        recorder.fold()
    assert [(piece.second, piece.count) for piece in recorder.flush()] == [(1, 2), (2, 1)]
    assert recorder.flush() == []
    recorder.record("a", "http", 101.5, 101.6)
    assert [(piece.second, piece.count) for piece in recorder.flush()] == [(1, 1)]


def test_before_load_begins_all_counts_as_second_0() -> None:
    early = Recorder("g0")
    early.record("a", "http", 5.0, 5.1, 0, "timeout")
    early.record("a", "http", 9.0, 9.1)
    piece = only(early.flush())
    assert (piece.second, piece.count, piece.failed) == (0, 2, 1)


def test_server_timing_is_summed_by_part(recorder: Recorder) -> None:
    recorder.record("a", "http", 101.0, 101.1, server_timing="db;dur=2, cache;dur=0.5")
    recorder.record("a", "http", 101.0, 101.1, server_timing="db;dur=4")
    recorder.record("a", "http", 101.0, 101.1, parts={"db": 0.001})
    parts = only(recorder.flush()).parts
    assert (parts["db"].n, parts["db"].sum_us, parts["db"].max_us) == pytest.approx((3, 7000, 4000))
    assert parts["cache"].n == 1


@pytest.mark.parametrize(
    ("header", "parts"),
    [
        ("db;dur=53.2", {"db": 53_200}),
        ('cache;desc="Cache, read; local";dur=23.2, app;dur=1', {"cache": 23_200, "app": 1000}),
        ("miss, db; dur=1.5 ;desc=x", {"db": 1500}),
        ('total;dur="2"', {"total": 2000}),
        ("db;dur=1.2.3", {}),
        ("db;dur=1, db;dur=2", {"db": 3000}),
        ("db;dur=nan, x;dur=-1, y;dur=inf, ;dur=1", {}),
        ("", {}),
    ],
)
def test_server_timing_headers(header: str, parts: dict[str, float]) -> None:
    assert server_timing_us(header) == pytest.approx(parts)


def test_a_request_under_way_at_the_end_is_a_failure_of_at_least_its_age(recorder: Recorder) -> None:
    arrival = Arrival(101.0)
    arrival.late_s = 0.5
    in_arrival(arrival, lambda: recorder.begin("slow", "page", 101.5))
    piece = only(recorder.unfinished([arrival], 105.0))
    assert (piece.second, piece.failed, piece.service.count) == (1, 1, 0)
    assert piece.endpoint == Endpoint("slow", "page")
    assert piece.response.quantile_us(0.5) == pytest.approx(4e6, rel=0.004)
    assert "unfinished" in piece.errors


def test_a_task_cut_off_between_requests_stands_for_itself(recorder: Recorder) -> None:
    arrival = Arrival(101.0)
    arrival.task = "read_page"
    assert only(recorder.unfinished([arrival], 103.0)).endpoint == Endpoint("read_page", "task")


def test_arrivals_that_never_began_wait_until_the_end(recorder: Recorder) -> None:
    piece = only(recorder.never_started([Arrival(104.5)], 107.5))
    assert (piece.second, piece.failed) == (4, 1)
    assert piece.response.quantile_us(1) == pytest.approx(3e6, rel=0.004)


def test_faults_of_the_generators_own_machine_are_told_apart(recorder: Recorder) -> None:
    recorder.record("a", "http", 101.0, 101.1, 0, "connect", "[Errno 24] Too many open files")
    recorder.record("a", "http", 101.0, 101.1, 0, "connect refused", "[Errno 111] Connection refused")
    recorder.record("a", "http", 101.0, 101.1, 0, "generator limit", "this machine could not connect to x")
    recorder.flush()
    assert recorder.own_faults == 2


def test_recording_a_request_costs_little(recorder: Recorder) -> None:
    """Under 1 us at the median where nothing else runs; here only that it is of that order."""
    arrival = Arrival(101.0)
    costs = []

    def many() -> None:
        for _ in range(20):
            begun = time.perf_counter()
            for _ in range(1000):
                recorder.record("home", "page", 101.0, 101.1, 500)
            costs.append((time.perf_counter() - begun) / 1000)
            recorder.fold()

    in_arrival(arrival, many)
    print(f"recording: {min(costs) * 1e6:.2f} us at best, median {sorted(costs)[10] * 1e6:.2f} us")  # noqa: T201
    assert min(costs) < 5e-6
