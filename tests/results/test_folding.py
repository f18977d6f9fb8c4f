from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from results import Endpoint, Flow, Histogram, Interval, Part, Run, RunWriter, Sample, open_run

LIST = Endpoint("todo.list", "trpc")


def write(path: Path, fold_before_s: list[int], edges_s: tuple[float, ...] = ()) -> Run:
    random = np.random.default_rng(4)
    with RunWriter(path, id="r", scenario="s", target="t", started_at="2026-01-05T00:00:00+00:00") as writer:
        for second in range(60):
            service = Histogram.from_values_us(random.lognormal(9, 0.5, 40))
            late = Histogram.from_values_us(random.lognormal(9.5, 0.5, 40))
            response = late if second % 7 == 0 else service
            parts = {"db": Part(40, 1000.0 + second, 90.0 + second)}
            errors = {"HTTP 500": (1, "broken")} if second % 20 == 3 else {}
            piece = Interval(second, "g0", LIST, service, response, len(errors), 100, errors, parts)
            writer.add_intervals([piece])
            writer.add_flows([Flow(second, "g0", 40, 40, 39, 1, 40, second, 0, 10, service)])
            writer.add_samples(
                [
                    Sample(second + 1, "host", "host", "cpu_ratio", float(second)),
                    Sample(second + 1, "generator", "g0", "cpu_ratio", float(second)),
                    Sample(second + 1, "lb", "haproxy", "requests", 40.0 * second, "counter"),
                ]
            )
            if second in fold_before_s:
                writer.fold(second, edges_s)
    return open_run(path)


@pytest.fixture(params=[[40], [12, 25, 37, 40, 40], [7]], ids=["once", "as it goes on", "too early"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Run, Run]:
    return write(tmp_path / "plain" / "run.db", []), write(tmp_path / "folded" / "run.db", request.param)


def test_nothing_is_lost_by_folding(pair: tuple[Run, Run]) -> None:
    plain, folded = pair
    for which in ("service", "response"):
        assert folded.merged(which=which) == plain.merged(which=which)
    lags = [Histogram.merged(flow.wake_lag for flow in run.flows) for run in pair]
    assert lags[0] == lags[1]
    for run in pair:
        pieces = list(run.intervals())
        assert sum(piece.failed for piece in pieces) == 3
        assert sum(piece.errors.get("HTTP 500", (0, ""))[0] for piece in pieces) == 3
        assert sum((p.parts["db"] for p in pieces), Part(0, 0.0, 0.0)) == Part(2400, 61770.0, 149.0)
        assert [flow.second for flow in run.flows] == list(range(60))
        assert [flow.scheduled for flow in run.flows] == [40] * 60
        for name, whole in {"started": 2400, "finished": 2340, "failed": 60, "requests": 2400}.items():
            assert sum(getattr(flow, name) for flow in run.flows) == whole
        assert sum(flow.in_flight for flow in run.flows) == pytest.approx(1770, abs=30)
        assert run.duration_s == 60
        (counter,) = run.series(metric="requests")
        assert counter.increase <= 40 * 59
        assert counter.values[-1] == 40 * 59


def test_pieces_before_the_moment_are_ten_seconds_long(tmp_path: Path) -> None:
    run = write(tmp_path / "run.db", [47])
    spans = [(piece.second, piece.span_s) for piece in run.intervals()]
    assert spans[:5] == [(0, 10), (10, 10), (20, 10), (30, 10), (40, 1)]
    assert len(spans) == 24
    (gauge,) = run.series("host", metric="cpu_ratio")
    assert gauge.values[:2].tolist() == [4.5, 14.5]
    (own,) = run.series("generator")
    assert own.values[:2].tolist() == [9, 19]
    (counter,) = run.series(metric="requests")
    assert counter.values[:2].tolist() == [360.0, 760.0]
    assert counter.at_s[:2].tolist() == [10, 20]
    assert [flow.in_flight for flow in run.flows][8:12] == [4, 4, 14, 14]


def test_what_begins_or_ends_within_a_piece_keeps_its_seconds(tmp_path: Path) -> None:
    plain, folded = write(tmp_path / "a" / "run.db", []), write(tmp_path / "b" / "run.db", [50], (13.5, 30))
    spans = [(piece.second, piece.span_s) for piece in folded.intervals()]
    assert [at for at, span_s in spans if span_s == 10] == [0, 20, 30, 40]
    assert [at for at, span_s in spans if span_s == 1] == [*range(10, 20), *range(50, 60)]
    for from_s, to_s in ((14, 30), (13, 60), (0, 14)):
        assert folded.merged(start_s=from_s, end_s=to_s) == plain.merged(start_s=from_s, end_s=to_s)
    for run in (plain, folded):
        (counter,) = run.series(metric="requests")
        assert counter.between(13.5, 30.5).increase == 40 * 16


def test_a_run_that_ends_with_a_folded_piece_is_as_long_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    with RunWriter(path, id="r", scenario="s", target="t") as writer:
        writer.add_flows([Flow(second, generator) for generator in ("g0", "g1") for second in range(20)])
        writer.fold(20)
    run = open_run(path)
    assert run.duration_s == 20
    assert [(flow.second, flow.generator) for flow in run.flows][:3] == [(0, "g0"), (0, "g1"), (1, "g0")]


def test_folding_makes_the_file_smaller(tmp_path: Path) -> None:
    plain, folded = write(tmp_path / "a" / "run.db", []), write(tmp_path / "b" / "run.db", [59])
    assert folded.path.stat().st_size < plain.path.stat().st_size
