from __future__ import annotations

import numpy as np
import pytest

from analysis.difference import OVERALL, Blocks, change_of
from results import Endpoint, Histogram, Interval


def blocks_of(seed: int, factor: float = 1.0, seconds: int = 60, per_s: int = 200) -> Blocks:
    random = np.random.default_rng(seed)
    blocks = Blocks([(0, seconds)])
    for second in range(seconds):
        times = Histogram.from_values_us(random.lognormal(9, 0.6, per_s) * factor)
        blocks.add(Interval(second, "g0", Endpoint("x"), times, times))
    return blocks


def test_interval_holds_the_true_change_nearly_always() -> None:
    held = 0
    for seed in range(40):
        found = change_of(blocks_of(seed).counts["x"], blocks_of(seed + 1000, 1.1).counts["x"], [0.95])
        held += bool(found.low[0] <= 0.1 <= found.high[0])
    assert held >= 34  # 95% of 40 are 38; 33 or fewer would be 1 in 1,500


def test_change_is_measured_and_told_apart_from_chance() -> None:
    found = change_of(blocks_of(1).counts[OVERALL], blocks_of(2, 1.5).counts[OVERALL], [0.5, 0.99])
    assert found.change == pytest.approx([0.5, 0.5], abs=0.06)
    assert found.is_significant.all()


def test_same_run_twice_shows_no_change() -> None:
    found = change_of(blocks_of(1).counts["x"], blocks_of(1).counts["x"], [0.5, 0.99])
    assert found.change.tolist() == [0, 0]
    assert not found.is_significant.any()


def test_side_without_requests_has_no_change() -> None:
    empty = np.zeros((5, 4096), dtype=np.int32)
    found = change_of(empty, blocks_of(1).counts["x"], [0.5])
    assert np.isnan(found.change[0])
    assert not found.is_significant.any()


def test_what_lies_between_the_stretches_of_the_steady_part_is_not_counted() -> None:
    blocks = Blocks([(2, 4), (6, 8)], blocks=4)
    for second in range(10):
        times = Histogram.from_values_us([1000.0] * (second + 1))
        blocks.add(Interval(second, "g0", Endpoint("x"), times, times))
    assert blocks.counts["x"].sum(axis=1).tolist() == [3, 4, 7, 8]
