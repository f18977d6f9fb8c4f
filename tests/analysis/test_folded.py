"""A run whose older detail was folded says what it would have said with every second."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analysis.alerts.load_series import LoadSeries
from analysis.compare.figures import figures_of
from analysis.timeline import Timeline
from analysis.windows import window_s
from reports.run_data import RunReport, read_report
from results import Account, Endpoint, Flow, Histogram, Interval, RunWriter, Sample, open_run

LIST = Endpoint("todo.list", "trpc")
AWAKE = Histogram.from_values_us([100])
SECONDS, WARMUP_S, LEVEL_S = 4003, 65, 2005


def report(path: Path, *, folded: bool) -> RunReport:
    random = np.random.default_rng(7)
    edges_s = (WARMUP_S, LEVEL_S)
    facts = {"id": "r", "scenario": "s", "target": "t", "started_at": "2026-01-05T00:00:00+00:00"}
    facts |= {
        "stages": f"8/s for {LEVEL_S}s, 12/s for {SECONDS - LEVEL_S}s",
        "slos": "p95 < 20ms, errors < 5%",
    }
    total = 0
    with RunWriter(path, **facts, warmup_s=WARMUP_S, duration_s=SECONDS) as writer:
        for second in range(SECONDS):
            count = 8 if second < LEVEL_S else 12
            total += count
            scale = 5e3 if second < LEVEL_S else 9e3
            times = Histogram.from_values_us(random.lognormal(np.log(scale), 0.4, count))
            failed = int(second % 50 == 7)
            errors = {"HTTP 500": (1, "broken")} if failed else {}
            writer.add_intervals([Interval(second, "g0", LIST, times, times, failed, 100, errors)])
            done = count - failed
            writer.add_flows([Flow(second, "g0", count, count, done, failed, count, second % 3, 0, 9, AWAKE)])
            busy = 0.97 if random.random() < 0.1 else 0.3
            writer.add_samples([Sample(second + 1, "generator", "g0", "cpu_ratio", busy)])
            if folded and second > 3600 and second % 60 == 0:
                writer.fold(second - 3600, edges_s)
        if folded:
            writer.fold(SECONDS, edges_s)
        writer.set_account("g0", Account(total, total - SECONDS // 50 - 1, SECONDS // 50 + 1))
        writer.update(state="finished")
    return read_report(open_run(path))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunReport, RunReport]:
    folder = tmp_path_factory.mktemp("folded")
    plain, folded = (report(folder / f"{way}" / "run.db", folded=way) for way in (False, True))
    assert len(list(folded.run.intervals())) < len(list(plain.run.intervals())) / 8
    return plain, folded


def test_totals_quantiles_account_and_objectives_are_the_same(pair: tuple[RunReport, RunReport]) -> None:
    plain, folded = pair
    assert folded.overall.response == plain.overall.response
    assert folded.overall.failed == plain.overall.failed
    assert folded.overall.received_bytes == plain.overall.received_bytes
    assert folded.run.account == plain.run.account
    assert [one.measured for one in folded.objectives] == [one.measured for one in plain.objectives]
    assert [one.outcome for one in folded.objectives] == [one.outcome for one in plain.objectives]
    assert folded.table.error_rows[0].count == plain.table.error_rows[0].count


def test_levels_and_warm_up_end_to_the_second(pair: tuple[RunReport, RunReport]) -> None:
    for run in pair:
        first, second = (table.overall() for _, table in run.ranges)
        assert first.requests == 8 * (LEVEL_S - WARMUP_S)
        assert second.requests == 12 * (SECONDS - LEVEL_S)


def test_lines_over_time_are_the_same(pair: tuple[RunReport, RunReport]) -> None:
    plain, folded = pair
    assert np.array_equal(folded.timeline.counts, plain.timeline.counts)
    assert np.array_equal(folded.timeline.failed, plain.timeline.failed)
    assert folded.flow.scheduled_per_s == pytest.approx(plain.flow.scheduled_per_s)
    assert folded.flow.ended_per_s == pytest.approx(plain.flow.ended_per_s)


def test_what_makes_a_run_not_valid_is_not_hidden(pair: tuple[RunReport, RunReport]) -> None:
    """One second in ten over the limit: a mean of ten seconds would be below it."""
    plain, folded = pair
    assert [reason.code for reason in plain.doubts] == ["generator-limited"]
    assert [reason.code for reason in folded.doubts] == ["generator-limited"]
    over_s = [float(run.doubts[0].text.split(" in ")[1].removesuffix(" s")) for run in pair]
    assert over_s[1] == pytest.approx(over_s[0], rel=0.3)


def test_figures_to_compare_are_the_same(pair: tuple[RunReport, RunReport]) -> None:
    plain, folded = (figures_of(one.run) for one in pair)
    assert folded.requests == plain.requests
    for name in ("p50", "p95", "p99", "errors", "rate"):
        assert folded.values["all", name] == plain.values["all", name]
    assert folded.values["all", "typical"] == pytest.approx(plain.values["all", "typical"], rel=0.02)


def test_no_window_cuts_a_piece() -> None:
    assert window_s(3600, 240) == 15
    assert window_s(3601, 240) == 20
    # A stretch of a long run, however short it is itself.
    assert window_s(3000, 600, run_s=4200) == 10
    assert np.all(Timeline(30_000).from_s % 10 == 0)


def test_counters_of_the_load_grow_evenly_within_a_piece() -> None:
    times = Histogram.from_values_us([1000] * 40)
    series = LoadSeries()
    series.add(Interval(10, "g0", LIST, times, times, span_s=10))
    total = next(one for one in series.series(20) if dict(one.labels)["__name__"] == "load_requests_total")
    assert total.values[10:21].tolist() == pytest.approx([4 * at for at in range(11)])
