from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from analysis.compare.effect import (
    Layout,
    abba,
    effect_between,
    effect_of_pairs,
    effect_of_turns,
    error_after,
    error_factor,
    spending,
    weighted_holm,
)
from analysis.compare.figures import Figures, typical_us
from analysis.compare.tolerance import Tolerances, parse_tolerances
from analysis.duel import Duel, DuelPlan, DuelResult
from results import UsageError
from tests.analysis.compare.imagined import healthy, response, slower


def run(plan: DuelPlan, factors: dict[tuple[str, str], float], noise: float = 0.01) -> DuelResult:
    duel, seed = Duel(plan), 0
    while duel.next() is not None:
        seed += 2
        duel.observe(healthy(seed, noise), slower(healthy(seed + 1, noise), factors))
    return duel.decision()


def test_runs_take_turns_so_that_a_steady_drift_cancels() -> None:
    duel = Duel(DuelPlan(pairs=4, max_pairs=4, first_look=4))
    orders = []
    while (order := duel.next()) is not None:
        orders.append(order)
        duel.observe(healthy(len(orders)), healthy(len(orders) + 50))
    assert orders == [("baseline", "candidate"), ("candidate", "baseline")] * 2
    drift = [0.01 * place for place in range(8)]
    effect = effect_of_turns([1 + one for one in drift], abba(4))
    assert effect.estimate == pytest.approx(0, abs=1e-12)


def test_effect_is_least_squares_with_a_straight_drift() -> None:
    random = np.random.default_rng(5)
    sides = abba(5)
    y = random.normal(0, 1, 10)
    effect = effect_of_turns(y.tolist(), sides)
    # The same by the normal equations, written out (Seber and Lee 2003, 3.5).
    x = np.array([[side == "candidate", 1, place] for place, side in enumerate(sides)], dtype=float)
    inverse = np.linalg.inv(x.T @ x)
    beta = inverse @ x.T @ y
    spread = float(((y - x @ beta) ** 2).sum()) / 7
    assert effect.estimate == pytest.approx(beta[0])
    assert effect.error == pytest.approx(math.sqrt(spread * inverse[0, 0]))
    assert effect.df == 7
    assert effect.p_above(0.0) == pytest.approx(stats.t.sf(effect.estimate / effect.error, 7))
    assert error_factor(sides) == pytest.approx(math.sqrt(inverse[0, 0]))


def test_effect_of_pairs_is_the_paired_t_test() -> None:
    differences = [0.1, 0.3, -0.1, 0.2]
    expected = stats.ttest_1samp(differences, 0, alternative="greater").pvalue
    assert effect_of_pairs(differences).p_above(0.0) == pytest.approx(expected)


def test_error_after_more_pairs_is_that_of_the_effect_itself() -> None:
    random = np.random.default_rng(3)
    layouts: tuple[Layout, ...] = ("turns", "together")
    for layout in layouts:
        seen = [
            effect_between(random.normal(0, 1, pairs).tolist(), random.normal(0, 1, pairs).tolist(), layout)
            for pairs in (4, 16)
            for _ in range(2000)
        ]
        assert {effect.df for effect in seen} == {error_after(pairs, layout)[1] for pairs in (4, 16)}
        fewer, more = (np.mean([e.error**2 for e in half]) for half in (seen[:2000], seen[2000:]))
        expected = error_after(4, layout)[0] / error_after(16, layout)[0]
        assert math.sqrt(fewer / more) == pytest.approx(expected, rel=0.03)


def test_runs_made_at_once_are_judged_by_the_differences_of_their_pairs() -> None:
    # A machine whose speed changes from pair to pair, and that both sides of a pair share.
    for seed in range(5):
        moods = np.exp(np.random.default_rng(seed).normal(0, 0.3, 5))
        verdicts = {}
        for layout in ("turns", "together"):
            duel = Duel(DuelPlan(first_look=5, layout=layout))
            for number, mood in enumerate(moods):
                shared = {key: float(mood) for key in response("all", 1.0)}
                before, after = healthy(2 * number, 0.01), healthy(2 * number + 1, 0.01)
                duel.observe(slower(before, shared), slower(after, shared))
            verdicts[layout] = duel.decision().verdict
        assert verdicts == {"turns": "inconclusive", "together": "pass"}


def test_one_pair_is_not_enough() -> None:
    with pytest.raises(ValueError, match="2 pairs"):
        effect_of_turns([1.0, 2.0], abba(1))


@pytest.mark.parametrize(
    ("pairs", "most", "first"), [(5, 5, 3), (5, 10, 3), (2, 2, 3), (3, 8, 3), (10, 10, 4)]
)
def test_looks_share_the_error_rate(pairs: int, most: int, first: int) -> None:
    shares = spending(pairs, most, first)
    assert sum(shares.values()) == pytest.approx(1)
    assert max(shares, key=shares.__getitem__) == pairs
    assert max(shares) == most


def test_equal_weights_give_holm_as_published() -> None:
    # Holm 1979 by hand: 0.01*4, 0.02*3, 0.03*2, 0.04*1, made non-decreasing.
    found = weighted_holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.02}, dict.fromkeys("abcd", 1.0))
    assert found == pytest.approx({"a": 0.04, "d": 0.06, "c": 0.06, "b": 0.06})


def test_a_heavy_weight_keeps_its_share_of_the_error_rate() -> None:
    found = weighted_holm({"headline": 0.007, "other": 0.007}, {"headline": 0.7, "other": 0.3})
    assert found["headline"] == pytest.approx(0.01)
    assert found["other"] == pytest.approx(0.01)  # after the headline, the whole rate is the other's


def test_identical_systems_pass_and_stop_early() -> None:
    result = run(DuelPlan(), {})
    assert result.verdict == "pass"
    assert result.pairs < 5
    assert result.sentence.startswith("Not worse: typical response time")


def test_a_slower_endpoint_fails_and_is_named() -> None:
    result = run(DuelPlan(), response("todo.search", 2.2))
    assert result.verdict == "fail"
    assert "todo.search" in result.sentence
    assert result.find("todo.search", "p95").verdict == "fail"
    assert result.find("todo.list", "p95").verdict != "fail"


def test_a_real_change_within_the_tolerance_does_not_fail() -> None:
    factors = response("all", 1.04)
    assert run(DuelPlan(), factors, noise=0.002).verdict == "fail"
    allowed = DuelPlan(tolerances=Tolerances({"typical": 0.06, "p50": 0.06, "p95": 0.06, "p99": 0.06}))
    assert run(allowed, factors, noise=0.002).verdict == "pass"


def test_noise_makes_it_inconclusive_and_says_how_many_more() -> None:
    result = run(DuelPlan(), {}, noise=0.15)
    assert result.verdict == "inconclusive"
    assert result.more_pairs is None or result.more_pairs > 0
    assert result.sentence.startswith("Cannot tell after 5 pairs")


def test_an_unclear_duel_goes_on_to_max_pairs() -> None:
    result = run(DuelPlan(max_pairs=9), {}, noise=0.15)
    assert result.pairs == 9
    assert result.final


def test_errors_that_appear_fail_although_the_baseline_had_none() -> None:
    duel = Duel()
    seed = 0
    while duel.next() is not None:
        seed += 2
        bad = healthy(seed + 1)
        bad = replace(
            bad, values=bad.values | {("all", "errors"): 0.03 + 0.001 * seed, ("todo.list", "errors"): 0.04}
        )
        duel.observe(healthy(seed), bad)
    result = duel.decision()
    assert result.find("all", "errors").verdict == "fail"
    assert result.find("all", "errors").change == pytest.approx(0.036, abs=0.01)


def test_a_fallen_hit_ratio_is_a_change_for_the_worse() -> None:
    key = ("all", "hits.application, query")
    result = run(DuelPlan(), {key: 0.68})
    comparison = result.find(*key)
    assert comparison.verdict == "fail"
    assert comparison.change == pytest.approx(-0.29, abs=0.01)


def test_faster_is_not_worse() -> None:
    result = run(DuelPlan(), response("all", 0.8) | response("todo.list", 0.8))
    assert result.verdict == "pass"
    assert result.sentence.startswith("Better")


def test_before_the_first_look_nothing_is_decided() -> None:
    duel = Duel()
    assert duel.decision().verdict == "inconclusive"
    assert duel.observe(healthy(1), healthy(2)) is None
    assert duel.decision().more_pairs == 2
    assert not duel.decision().final


def test_an_endpoint_of_one_side_only_is_a_doubt() -> None:
    duel = Duel()
    seed = 0
    while duel.next() is not None:
        seed += 2
        one = healthy(seed)
        more = replace(healthy(seed + 1), requests=one.requests | {"todo.archive": 5})
        duel.observe(one, more)
    assert "only the candidate had requests of todo.archive" in duel.decision().doubts


def test_result_is_plain_data() -> None:
    assert json.loads(json.dumps(run(DuelPlan(), {}).as_dict()))["verdict"] == "pass"


def test_typical_ignores_a_few_slow_seconds() -> None:
    n = np.full(20, 100.0)
    logs = np.full(20, 100 * math.log(9000.0))
    disturbed = logs.copy()
    disturbed[3:6] += 100 * math.log(4)
    assert typical_us(n, logs) == pytest.approx(9000)
    assert typical_us(n, disturbed) == pytest.approx(9000)


def test_typical_joins_seconds_with_few_requests() -> None:
    n = np.array([1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 2.0] * 5)
    assert typical_us(n, n * math.log(700.0)) == pytest.approx(700)


@pytest.mark.parametrize(
    ("text", "endpoint", "metric", "expected"),
    [
        ("typical 3%", "all", "typical", 0.03),
        ("p99 10%, todo.list p99 25%", "todo.list", "p99", 0.25),
        ("p99 10%, todo.list p99 25%", "todo.search", "p99", 0.10),
        ("cpu 8%", "all", "cpu.api", 0.08),
        ("errors < 0.5%", "all", "errors", 0.005),
        ("page /teams/{slug} p95 12%", "page /teams/{slug}", "p95", 0.12),
    ],
)
def test_tolerances_are_read_as_written(text: str, endpoint: str, metric: str, expected: float) -> None:
    assert parse_tolerances(text).metric(endpoint, metric).tolerance == pytest.approx(expected)


@pytest.mark.parametrize("text", ["p99", "p98 5%", "todo.list 5%", "p99 5ms"])
def test_bad_tolerances_are_refused_in_one_line(text: str) -> None:
    with pytest.raises(UsageError, match="is not a tolerance"):
        parse_tolerances(text)


def test_impossible_plans_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 2 pairs"):
        DuelPlan(pairs=1)
    with pytest.raises(ValueError, match="max_pairs"):
        DuelPlan(pairs=5, max_pairs=4)


def test_runs_without_requests_are_named() -> None:
    empty = Figures("hollow", {("all", "p50"): 1.0}, {"all": 0})
    duel = Duel(DuelPlan(pairs=2, max_pairs=2))
    duel.observe(empty, empty)
    duel.observe(empty, empty)
    assert "run hollow has no requests after its warm-up" in duel.decision().doubts
