from __future__ import annotations

import math

import pytest

from analysis.compare.facts import ClassCost, Costs, DigestCost
from analysis.compare.shares import class_shares, statement_shares

BEFORE = Costs(
    {"a": DigestCost("a", 1.0, 100.0, 10.0, 0.0), "b": DigestCost("b", 2.0, 300.0, 4.0, 0.0)},
    {"list": ClassCost("list", 1.0, 0.25, 800.0), "board": ClassCost("board", 0.5, 0.5, 200.0)},
)
AFTER = Costs(
    {"a": DigestCost("a", 1.0, 900.0, 5000.0, 1.0), "b": DigestCost("b", 2.0, 300.0, 4.0, 0.0)},
    {"list": ClassCost("list", 1.0, 0.75, 2200.0), "board": ClassCost("board", 0.5, 0.5, 200.0)},
)


def test_statements_stand_by_their_share_of_time_what_changed_most_first() -> None:
    first, second = statement_shares([[BEFORE], [AFTER]])
    assert (first.name, second.name) == ("a", "b")
    assert first.share == pytest.approx((0.25, 0.75))
    assert second.share == pytest.approx((0.75, 0.25))
    assert first.us_per_call == (100, 900)
    assert first.rows_per_call == (10, 5000)
    assert second.calls == (2, 2)


def test_classes_of_key_stand_by_their_share_of_the_lookups_time() -> None:
    first, second = class_shares([[BEFORE], [AFTER]])
    assert (first.name, second.name) == ("list", "board")
    assert first.share == pytest.approx((0.8, 2200 / 2400))
    assert first.hit_ratio == pytest.approx((0.75, 0.25))
    assert second.us_per_call == (400, 400)


def test_sides_are_means_of_their_runs_and_may_be_more_than_two() -> None:
    first = statement_shares([[BEFORE, AFTER], [AFTER], [BEFORE]])[0]
    assert first.share == pytest.approx((500 / 800, 0.75, 0.25))


def test_what_one_side_never_did_has_no_time_each() -> None:
    (only,) = class_shares([[Costs()], [Costs(classes={"list": ClassCost("list", 1.0, 0.0, 50.0)})]])
    assert only.share == (0.0, 1.0)
    assert math.isnan(only.us_per_call[0])


def test_without_any_there_are_no_shares() -> None:
    assert statement_shares([[Costs()], [Costs()]]) == []
