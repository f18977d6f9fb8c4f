from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from results import Endpoint, Flow, Histogram, Interval, Part, Run, RunWriter, Sample, open_run

LIST = Endpoint("todo.list", "trpc")


def write(path: Path, fold_before_s: list[int]) -> Run:
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
                    Sample(second + 0.5, "host", "host", "cpu_ratio", float(second)),
                    Sample(second + 0.5, "lb", "haproxy", "requests", 40.0 * second, "counter"),
                ]
            )
            if second in fold_before_s:
                writer.fold(second)
    return open_run(path)


@pytest.fixture(params=[[40], [12, 25, 37, 40, 40], [7]], ids=["once", "as it goes on", "too early"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Run, Run]:
    return write(tmp_path / "plain" / "run.db", []), write(tmp_path / "folded" / "run.db", request.param)


def test_nothing_is_lost_by_folding(pair: tuple[Run, Run]) -> None:
    plain, folded = pair
    for which in ("service", "response"):
        assert folded.merged(which=which) == plain.merged(which=which)
    for run in pair:
        pieces = list(run.intervals())
        assert sum(piece.failed for piece in pieces) == 3
        assert sum(piece.errors.get("HTTP 500", (0, ""))[0] for piece in pieces) == 3
        assert sum((p.parts["db"] for p in pieces), Part(0, 0.0, 0.0)) == Part(2400, 61770.0, 149.0)
        assert sum(flow.scheduled for flow in run.flows) == 2400
        (counter,) = run.series(metric="requests")
        assert counter.increase <= 40 * 59
        assert counter.values[-1] == 40 * 59


def test_pieces_before_the_moment_are_ten_seconds_long(tmp_path: Path) -> None:
    run = write(tmp_path / "run.db", [47])
    spans = [(piece.second, piece.span_s) for piece in run.intervals()]
    assert spans[:5] == [(0, 10), (10, 10), (20, 10), (30, 10), (40, 1)]
    assert len(spans) == 24
    (gauge,) = run.series(metric="cpu_ratio")
    assert gauge.values[:2].tolist() == [4.5, 14.5]
    (counter,) = run.series(metric="requests")
    assert counter.values[:2].tolist() == [360.0, 760.0]
    assert counter.at_s[:2].tolist() == [9.5, 19.5]
    assert [flow.in_flight for flow in run.flows][:2] == [9, 19]


def test_folding_makes_the_file_smaller(tmp_path: Path) -> None:
    plain, folded = write(tmp_path / "a" / "run.db", []), write(tmp_path / "b" / "run.db", [59])
    assert folded.path.stat().st_size < plain.path.stat().st_size
