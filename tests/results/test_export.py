from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

from results import Account, Endpoint, Histogram, Interval, Run, RunWriter, open_run
from results.export import csv_lines, hdr_log, hdr_payload

READ, PAGE, SETUP = (
    Endpoint("todo.list", "trpc"),
    Endpoint("page /a, b", "page"),
    Endpoint("in", "page", True),
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Two seconds by two generators, with response times up to minutes."""
    random = np.random.default_rng(4)
    path = tmp_path_factory.mktemp("r") / "run.db"
    facts = {"id": "r", "scenario": "s.py", "target": "t", "started_at": "2026-01-05T06:00:00+00:00"}
    with RunWriter(path, **facts) as writer:
        for second in (0, 1):
            for generator in ("g0", "g1"):
                for endpoint in (READ, PAGE, SETUP):
                    times = Histogram.from_values_us(random.lognormal(10, 2, 500))
                    writer.add_intervals([Interval(second, generator, endpoint, times, times, 3, 900)])
        writer.set_account("g0", Account(6000, 6000))
    return open_run(path)


def read_log(path: Path, lines: list[str]) -> list[HdrHistogram]:
    """The histograms of a log as HdrHistogram's own reader decodes them."""
    path.write_text("".join(lines))
    reader = HistogramLogReader(str(path), HdrHistogram(1, 2**38 - 1, 2))
    return list(iter(reader.get_next_interval_histogram, None))


def test_hdrhistogram_reads_the_log_bucket_by_bucket(run: Run, tmp_path: Path) -> None:
    found = read_log(tmp_path / "r.hlog", list(hdr_log(run)))
    assert [one.get_tag() for one in found] == [None, "todo.list", "page_/a__b"] * 2
    for second, one in enumerate(found[::3]):
        ours = run.merged(start_s=second, end_s=second + 1)
        theirs = [one.get_count_at_index(bucket) for bucket in range(ours.counts.size)]
        assert theirs == ours.counts.tolist()
        assert one.get_start_time_stamp() == (run.started_at.timestamp() + second) * 1000
    whole = HdrHistogram(1, 2**38 - 1, 2)
    for one in found[::3]:
        whole.add(one)
    for percent in (1, 50, 90, 99, 99.9, 100):
        ours_us = run.merged().quantile_us(percent / 100)
        assert whole.get_value_at_percentile(percent) == pytest.approx(ours_us, rel=1 / 128)


@pytest.mark.parametrize("values", [[], [0], [1, 1, 1], [2.0**38 - 2], [127, 128, 255, 256, 257, 1e9]])
def test_the_edges_of_the_range_survive_the_encoding(values: list[float]) -> None:
    histogram = Histogram.from_values_us(values)
    decoded = HdrHistogram.decode(hdr_payload(histogram))
    assert decoded.get_total_count() == len(values)
    assert [decoded.get_count_at_index(i) for i in range(4096)] == histogram.counts.tolist()


def test_counts_beyond_32_bits_survive_the_encoding() -> None:
    histogram = Histogram()
    histogram.counts[700] = 5 * 10**9
    assert HdrHistogram.decode(hdr_payload(histogram)).get_count_at_index(700) == 5 * 10**9


def test_the_table_has_every_second_and_endpoint_once(run: Run) -> None:
    rows = list(csv.DictReader(csv_lines(run)))
    assert [(row["second"], row["endpoint"]) for row in rows[:3]] == [
        ("0", "todo.list"),
        ("0", "page /a, b"),
        ("0", "in"),
    ]
    assert len(rows) == 6
    assert sum(int(row["requests"]) for row in rows) == 6000
    assert {row["failed"] for row in rows} == {"6"}
    expected = run.merged("todo.list", 0, 1).quantile_us(0.99)
    assert float(rows[0]["response_p99_us"]) == pytest.approx(expected, abs=0.5)
