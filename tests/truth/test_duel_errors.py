from __future__ import annotations

import sys
from collections import Counter

import numpy as np
import pytest

from analysis.duel import DuelPlan, DuelResult
from tests.truth.duel_rules import RULES, duel
from tests.truth.duel_world import CALM, REALISTIC, ROUGH

TOGETHER = DuelPlan(layout="together")


def covered(results: list[DuelResult], endpoint: str, metric: str) -> float:
    """How often the interval holds the mean of the estimates, which is what the change truly is."""
    found = [result.find(endpoint, metric) for result in results]
    truth = np.expm1(np.mean([np.log1p(one.change) for one in found]))
    return float(np.mean([one.low <= truth <= one.high for one in found]))


def show(capsys: pytest.CaptureFixture[str], rows: list[list[str]]) -> None:
    with capsys.disabled():
        sys.stdout.write("\n" + "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n")


def test_a_few_duels_of_identical_systems_pass_and_of_slower_ones_fail() -> None:
    same = Counter(duel(seed, 1.0).verdict for seed in range(25))
    slower = Counter(duel(seed, 1.1).verdict for seed in range(25))
    assert same["fail"] == 0
    assert same["pass"] >= 20
    assert slower["fail"] >= 22


def test_a_few_duels_of_runs_made_at_once_pass_and_fail_as_they_should() -> None:
    same = Counter(duel(seed, 1.0, ROUGH, TOGETHER).verdict for seed in range(25))
    slower = Counter(duel(seed, 1.1, ROUGH, TOGETHER).verdict for seed in range(25))
    assert same["fail"] == 0
    assert same["pass"] >= 22
    assert slower["fail"] >= 22


@pytest.mark.truth
@pytest.mark.timeout(900)
def test_error_rates_of_duels_whose_runs_are_made_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [["noise", "service time", "duels", "fail", "pass", "cannot tell", "pairs", "interval covers"]]
    fails = {}
    for label, noise in (("calm", CALM), ("realistic", REALISTIC), ("rough", ROUGH)):
        for factor in (1.0, 1.05, 1.1):
            many = [duel(seed, factor, noise, TOGETHER) for seed in range(300)]
            seen = Counter(one.verdict for one in many)
            fails[label, factor] = seen["fail"]
            counts = [str(seen[verdict]) for verdict in ("fail", "pass", "inconclusive")]
            pairs = f"{np.mean([one.pairs for one in many]):.1f}"
            rows.append(
                [label, f"x {factor}", "300", *counts, pairs, f"{covered(many, 'all', 'typical'):.1%}"]
            )
    show(capsys, rows)
    for label in ("calm", "realistic", "rough"):
        assert fails[label, 1.0] <= 300 * 0.01 + 4  # 1%, and what chance adds in 99.9% of cases
    for label in ("calm", "realistic"):
        assert fails[label, 1.1] >= 0.9 * 300


@pytest.mark.truth
@pytest.mark.timeout(900)
def test_error_rates_and_coverage_of_the_duel(capsys: pytest.CaptureFixture[str]) -> None:
    counts = {1.0: 800, 1.05: 500, 1.1: 500}
    results = {factor: [duel(seed, factor) for seed in range(n)] for factor, n in counts.items()}
    fails = {f: np.mean([one.verdict == "fail" for one in many]) for f, many in results.items()}
    shown = [("all", "typical"), ("all", "p50"), ("all", "p99"), ("todo.search", "typical")]
    head = ["service time", "duels", "fail", "pass", "cannot tell", "pairs"]
    rows = [head + [f"interval covers {endpoint} {metric}" for endpoint, metric in shown]]
    for factor, many in results.items():
        seen = Counter(one.verdict for one in many)
        shares = [f"{seen[v] / len(many):.1%}" for v in ("fail", "pass", "inconclusive")]
        coverage = [f"{covered(many, *key):.1%}" for key in shown]
        pairs = f"{np.mean([one.pairs for one in many]):.1f}"
        rows.append([f"x {factor}", str(len(many)), *shares, pairs, *coverage])
    show(capsys, rows)
    assert fails[1.0] <= 0.01
    assert fails[1.05] >= 0.60
    assert fails[1.1] >= 0.90
    for many in results.values():
        assert all(0.93 <= covered(many, *key) <= 0.97 for key in shown)


@pytest.mark.truth
@pytest.mark.timeout(900)
def test_false_alarms_stay_rare_on_calmer_and_rougher_machines(capsys: pytest.CaptureFixture[str]) -> None:
    plans = {"5 pairs": DuelPlan(), "5 to 10 pairs": DuelPlan(max_pairs=10)}
    for name, plan in plans.items():
        for noise, label in ((CALM, "calm"), (ROUGH, "rough")):
            seen = Counter(duel(seed, 1.0, noise, plan).verdict for seed in range(300))
            show(capsys, [["identical systems", label, name, str(dict(seen))]])
            assert seen["fail"] <= 300 * 0.01 + 4  # 1%, and what chance adds in 99.9% of cases


@pytest.mark.truth
@pytest.mark.timeout(900)
def test_the_usual_rules_raise_false_alarms(capsys: pytest.CaptureFixture[str]) -> None:
    table = {
        name: [float(np.mean([rule(seed, factor) for seed in range(300)])) for factor in (1.0, 1.05, 1.1)]
        for name, rule in RULES.items()
    }
    rows = [["rule", "identical", "service x 1.05", "service x 1.10"]]
    show(capsys, rows + [[name, *(f"{share:.1%}" for share in shares)] for name, shares in table.items()])
    assert table["duel of at most 5 pairs"][0] <= 0.01
    for name in ("one run each, p99 > +10%", "one run each, Mann-Whitney on requests"):
        assert table[name][0] > 0.10
