from __future__ import annotations

from pathlib import Path

import pytest

from analysis.compare.figures import figures_of, metric_of, request_figures
from results import Endpoint, Histogram, Interval, Part, open_run
from tests.reports.sample_run import Shape, write_sample


@pytest.fixture(scope="module")
def run_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("runs"), Shape(stages="120/s for 40s", web1_down=False))


def test_figures_are_those_of_the_steady_part(run_path: Path) -> None:
    run = open_run(run_path)
    figures = figures_of(run)
    steady = run.merged(start_s=run.warmup_s)
    assert figures.requests["all"] == steady.count
    assert figures.values["all", "p99"] == steady.quantile_us(0.99)
    alone = run.merged("todo.list", start_s=run.warmup_s)
    assert figures.values["todo.list", "p50"] == alone.quantile_us(0.5)
    assert figures.values["all", "errors"] == 0
    assert figures.values["all", "rate"] == pytest.approx(steady.count / 30)


def test_setup_requests_are_no_endpoint(run_path: Path) -> None:
    assert "sign in" not in figures_of(open_run(run_path)).requests


def test_cpu_is_seconds_a_request(run_path: Path) -> None:
    run = open_run(run_path)
    figures = figures_of(run)
    (cores,) = run.series("api", "api1", "cpu_ratio")
    busy_s = cores.between(run.warmup_s, run.duration_s).values.mean() * 30
    assert figures.values["all", "cpu.api"] == pytest.approx(busy_s / figures.requests["all"])
    assert ("all", "cpu.generator") not in figures.values
    assert ("all", "cpu.host") not in figures.values


def test_what_lies_below_is_per_request(run_path: Path) -> None:
    run = open_run(run_path)
    figures = figures_of(run)
    everything = sum(flow.requests for flow in run.flows)
    costliest = run.digests[0]
    assert figures.below.digests[costliest.text].calls == pytest.approx(costliest.calls / everything)
    assert figures.below.pools["replica"].size == 10
    assert figures.values["all", "db_calls"] == pytest.approx(1.32, rel=0.1)
    read = sum(digest.rows_examined for digest in run.digests)
    assert figures.values["all", "db_rows"] == pytest.approx(read / everything)
    assert 0 < figures.values["all", "hits.application, query"] < 1
    assert set(figures.parts_ms["todo.list"]) == {"cache", "db", "other", "pool", "render"}


def test_parts_of_a_page_are_taken_apart_so_that_they_add_up() -> None:
    service = Histogram.from_values_us([10_000] * 40)
    told = {"total": 9e3, "api": 6e3, "db": 4e3, "cache": 1e3, "render": 2e3}
    parts = {name: Part(40, 40 * us, us) for name, us in told.items()}
    page = Interval(0, "g0", Endpoint("page /todos"), service, service, parts=parts)
    shown = request_figures("r", [page], 0, 1).parts_ms["page /todos"]
    assert shown == pytest.approx(
        {"db": 4, "cache": 1, "API": 1, "render": 2, "own work": 1, "outside": 1}, abs=0.05
    )


def test_what_requests_without_parts_took_is_not_laid_to_the_way() -> None:
    service = Histogram.from_values_us([10_000] * 40)
    parts = {name: Part(10, 10 * us, us) for name, us in {"total": 9e3, "db": 4e3}.items()}
    batched = Interval(0, "g0", Endpoint("todo.list"), service, service, parts=parts)
    shown = request_figures("r", [batched], 0, 1).parts_ms["todo.list"]
    assert shown == pytest.approx({"db": 1, "own work": 1.25, "other": 7.75}, abs=0.05)


def test_lookups_are_by_class_of_key(run_path: Path) -> None:
    run = open_run(run_path)
    lists = figures_of(run).below.classes["todo.list"]
    assert lists.hit_ratio == pytest.approx(0.52 / 0.57)
    assert lists.us_per_lookup == pytest.approx(400 / 0.57)
    assert lists.lookups == pytest.approx(0.75 * 0.57, rel=0.1)


def test_tiers_that_were_not_watched_have_no_figures(tmp_path: Path) -> None:
    run = open_run(write_sample(tmp_path, Shape(stages="40/s for 8s", warmup_s=2, tiers=("host",))))
    assert all(not metric.startswith(("cpu", "hits", "db_")) for _, metric in figures_of(run).values)


def test_unknown_metrics_are_refused() -> None:
    with pytest.raises(KeyError):
        metric_of("p42")
