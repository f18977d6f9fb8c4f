from __future__ import annotations

import math

import numpy as np
import pytest

from analysis.endpoints import EndpointTable
from results import Endpoint, Histogram, Interval


def fed(rows: list[tuple[int, str, list[float], int]]) -> EndpointTable:
    table = EndpointTable([(2, 10)])
    for second, name, values, failed in rows:
        times = Histogram.from_values_us(values)
        errors = {"HTTP 500": (failed, f"first at {second}")} if failed else {}
        table.add(Interval(second, "g0", Endpoint(name), times, times, failed, 100 * len(values), errors))
    return table


def test_only_the_stretch_counts() -> None:
    table = fed([(1, "a", [1000], 0), (2, "a", [1000], 0), (9, "a", [1000], 0), (10, "a", [1000], 0)])
    assert table.rows[0].requests == 2
    assert table.rows[0].rate_per_s == 2 / 8


def test_percentiles_come_from_all_values_not_from_averages() -> None:
    random = np.random.default_rng(1)
    values = random.lognormal(9, 1, (8, 500))
    table = fed([(second + 2, "a", row.tolist(), 0) for second, row in enumerate(values)])
    exact = float(np.quantile(values, 0.99, method="inverted_cdf"))
    assert table.overall().response.quantile_us(0.99) == pytest.approx(exact, rel=0.005)


def test_slowest_endpoint_stands_first_and_overall_adds_up() -> None:
    table = fed([(3, "quick", [1000] * 9, 0), (3, "slow", [90_000] * 3, 1)])
    assert [row.endpoint.name for row in table.rows] == ["slow", "quick"]
    assert table.overall().requests == 12
    assert table.overall().error_ratio == pytest.approx(1 / 12)


def test_errors_keep_the_first_sample_and_their_span() -> None:
    table = fed([(3, "a", [1000] * 5, 2), (7, "a", [1000] * 5, 3)])
    (error,) = table.error_rows
    assert (error.count, error.first_s, error.last_s, error.sample) == (5, 3, 7, "first at 3")


def test_empty_table_has_no_figures() -> None:
    overall = EndpointTable([(0, 0)]).overall()
    assert overall.requests == 0
    assert math.isnan(overall.error_ratio)
    assert overall.mean_parts_ms() == {}
