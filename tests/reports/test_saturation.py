"""What each part gave at each level, as the heat map's figures and the tables below say it."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.bottleneck import Diagnosis, stretches
from analysis.capacity import Capacity, LevelPoint, Review
from analysis.capacity.held import Held
from reports.parts import Chart, Table
from reports.run_data import read_report
from reports.sections import saturation
from results import Run
from results.units import show_latency, three_digits
from tests.analysis.builders import LevelSpec, Metrics, build_run, spec


def told_of(run: Run, levels: list[LevelSpec]) -> Review:
    """What every tier said at some levels, without an answer."""
    points = [
        LevelPoint(
            number, "narrow", one.rate_per_s, one.rate_per_s, one.seconds, 1, "pass", True, True, False,
            (), (),
        )
        for number, one in enumerate(levels)
    ]  # fmt: skip
    held = tuple(Held(point, one) for point, one in zip(points, stretches(run), strict=True))
    capacity = Capacity(
        False, "", "budget", None, None, None, None, (), None, None, 0, None, False, 24, tuple(points)
    )  # fmt: skip
    return Review(capacity, Diagnosis("none", (), (), ""), None, None, None, (), (), held)


def heat_map(folder: Path, *said: Metrics) -> dict[str, list[str]]:
    """The figures behind it at 200/s, 400/s ..., by part."""
    levels = [spec(200.0 * (number + 1), metrics) for number, metrics in enumerate(said)]
    run = build_run(folder, levels)
    section = saturation.gives_way(read_report(run), told_of(run, levels))
    assert section is not None
    (chart,) = [block for block in section.blocks if isinstance(block, Chart)]
    assert chart.figures is not None
    return {row[0]: row[1:] for row in chart.figures.rows}


UNEVEN = {("web", "web1", "cpu_ratio"): 1.0, ("web", "web2", "cpu_ratio"): 0.4}


def test_a_process_that_is_full_is_not_hidden_by_its_idle_neighbour(tmp_path: Path) -> None:
    assert heat_map(tmp_path, {}, UNEVEN)["web instances CPU"] == ["9%", "100%"]


def test_what_waits_for_a_server_and_what_fails_there_is_told_of_the_load_balancer(tmp_path: Path) -> None:
    def said(queue: float, errors: float) -> Metrics:
        return {("lb", "backend/web", "queue"): queue, ("lb", "backend/web", "errors_5xx"): errors}

    shown = heat_map(tmp_path, said(0, 0), said(6, 2))
    assert shown["load balancer servers of web"] == ["–", "–, 6 waiting, 24 errors"]


def test_row_locks_are_shown_where_somebody_waited_for_one(tmp_path: Path) -> None:
    locked = {("primary", "primary", "row_lock_time_ms"): 2900.0}
    assert heat_map(tmp_path, {}, locked)["MySQL primary row locks"] == ["–", "–, 2.9 waiting"]
    (tmp_path / "calm").mkdir()
    assert "MySQL primary row locks" not in heat_map(tmp_path / "calm", {}, {})


def tables(folder: Path, levels: list[LevelSpec]) -> tuple[Review, dict[str, dict[str, list[str]]]]:
    """The tables of the section on demands, as rows of words by their first cell."""
    told = told_of(build_run(folder, levels), levels)
    section = saturation.demands(told)
    assert section is not None
    return told, {
        block.caption.split(":")[0]: {row[0].words: [cell.words for cell in row[1:]] for row in block.rows}
        for block in section.blocks
        if isinstance(block, Table)
    }


def test_an_arrivals_cpu_is_told_by_process_and_its_wait_for_locks_in_seconds(tmp_path: Path) -> None:
    locked = {("primary", "primary", "row_lock_time_ms"): 2900.0}
    told, found = tables(tmp_path, [spec(200), spec(400, UNEVEN | locked)])
    served_per_s = told.held[1].stretch.finished_per_s
    for part, seconds in (
        ("web instances CPU", 1.4),
        ("web instances CPU: web1", 1.0),
        ("web instances CPU: web2", 0.4),
        ("MySQL primary row locks", 2.9),
    ):
        assert found["Demand"][part][1] == show_latency(seconds / served_per_s * 1e6)
    assert not [part for part in found["Demand"] if part.startswith("API CPU:")], "it is one process"


def test_of_many_levels_as_many_as_fit_are_shown_and_it_is_said(tmp_path: Path) -> None:
    levels = [spec(rate) for rate in range(50, 550, 50)]
    told = told_of(build_run(tmp_path, levels), levels)
    section = saturation.demands(told)
    assert section is not None
    table = section.blocks[0]
    assert isinstance(table, Table)
    rates = [column.title for column in table.columns[1:]]
    assert (rates[0], rates[-1], len(rates)) == ("50/s", "500/s", 8)
    assert "8 of 10 levels" in section.lead
    row = next(row for row in told.saturation if row.resource == "CPU" and row.tier == "api")
    shown = next(cells for cells in table.rows if cells[0].words == "API CPU")
    assert shown[-1].words == show_latency(row.demand_s[-1] * 1e6)


def test_each_levels_requests_in_flight_stand_beside_rate_x_time(tmp_path: Path) -> None:
    levels = [spec(200, mean_ms=50), spec(400, mean_ms=50)]
    told = told_of(build_run(tmp_path, levels), levels)
    for flow in told.held[1].stretch.flows:
        flow.in_flight *= 2
    section = saturation.demands(told)
    assert section is not None
    (table,) = [one for one in section.blocks if isinstance(one, Table) and one.caption.startswith("Little")]
    rows = [[cell.words for cell in row] for row in table.rows]
    assert [row[0] for row in rows] == ["200/s", "400/s"]
    assert [row[1] for row in rows] == ["10", "40"]
    for row, one in zip(rows, told.held, strict=True):
        level = one.stretch
        assert row[2] == three_digits(level.finished_per_s * level.service.mean_us / 1e6)
        assert float(row[2]) == pytest.approx(0.05 * level.rate_per_s, rel=0.1)
    assert [row[3] for row in rows] == ["", "not steady"]
