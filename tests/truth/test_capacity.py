"""The capacity search against exact answers (M/M/c and M/D/c), with bisection on single trials beside it."""

import sys

import numpy as np
import pytest

from analysis.capacity import Settings
from results import parse_slos
from tests.truth.formulas import capacity_per_s, mdc_tail, mmc_tail
from tests.truth.live_searches import LIVE
from tests.truth.searches import (
    BUDGET_S,
    SETTINGS,
    Errors,
    Setting,
    bisection,
    errors,
    ours,
    search_capacity,
    table,
)
from tests.truth.simulated import Noise, SimulatedServer


@pytest.mark.parametrize(("kind", "tail"), [("exponential", mmc_tail), ("fixed", mdc_tail)])
@pytest.mark.parametrize(("slots", "load"), [(1, 0.6), (8, 0.8)])
def test_the_simulated_server_has_the_response_times_of_the_formula(kind, tail, slots, load) -> None:
    service_s = 0.01
    rate = load * slots / service_s
    server = SimulatedServer(slots, service_s, kind, seed=5)
    server.serve(rate, 20)
    responses = server.serve(rate, 600_000 / rate).response_s
    for share in (0.3, 0.1):
        at_s = float(np.quantile(responses, 1 - share))
        assert tail(rate, slots, service_s, at_s + 1e-9) == pytest.approx(share, rel=0.06)


def test_the_capacity_from_the_formula_is_where_the_quantile_meets_the_limit() -> None:
    rate = capacity_per_s("exponential", 8, 0.01, 0.05)
    assert mmc_tail(rate, 8, 0.01, 0.05) == pytest.approx(0.01, rel=1e-3)


def test_24_searches_in_8_settings_find_the_exact_limit_within_the_budget(capsys) -> None:
    found = errors(ours, SETTINGS, range(3))["all"]
    with capsys.disabled():
        sys.stdout.write(f"\n24 searches: bias, median, p90, worst error, longest: {found}\n")
    assert found.median <= 0.02
    assert found.p90 <= 0.05
    assert abs(found.bias) <= 0.02
    assert found.longest_s <= BUDGET_S


def long_memory(settings: list[Setting], seeds: range, noise: Noise) -> tuple[Errors, float]:
    """Searches of queues that remember for seconds: errors, and how often intervals held the truth."""
    relative, held, longest_s = [], [], 0.0
    for setting in settings:
        truth = setting.truth_per_s
        for seed in seeds:
            server = SimulatedServer(setting.slots, setting.service_s, setting.kind, noise, seed)
            found = search_capacity(server, Settings(setting.slos, budget_s=290))
            relative.append((found.rate_per_s or 0) / truth - 1)
            held.append((found.low_per_s or 0) <= truth <= (found.high_per_s or 0))
            longest_s = max(longest_s, found.spent_s)
    return Errors(np.array(relative), longest_s), float(np.mean(held))


def test_searches_of_queues_with_a_long_memory_find_the_exact_limit(capsys) -> None:
    found, held = long_memory(LIVE, range(20, 22), Noise())
    with capsys.disabled():
        sys.stdout.write(f"\n12 searches, long memory: {found}; intervals hold the truth in {held:.0%}\n")
    assert found.median <= 0.02
    assert found.p90 <= 0.05
    assert abs(found.bias) <= 0.015
    assert held >= 0.75


@pytest.mark.truth
@pytest.mark.parametrize("noise", [Noise(), Noise(per_trial=0.01)], ids=["quiet", "noisy"])
def test_many_searches_of_queues_with_a_long_memory_lean_to_neither_side(noise, capsys) -> None:
    found, held = long_memory(LIVE, range(400, 410), noise)
    with capsys.disabled():
        sys.stdout.write(f"\n60 searches, long memory: {found}; intervals hold the truth in {held:.0%}\n")
    assert found.median <= 0.02
    assert found.p90 <= 0.04
    assert abs(found.bias) <= 0.012
    assert held >= 0.85


def test_a_moment_in_which_something_else_took_the_machine_does_not_become_the_answer() -> None:
    setting = SETTINGS[2]
    stalled: list[float] = []

    def disturb(server: SimulatedServer, rate_per_s: float) -> None:
        if rate_per_s >= 200 and not stalled:
            stalled.append(rate_per_s)
            server.stall(4.0)

    server = SimulatedServer(setting.slots, setting.service_s, setting.kind, seed=4)
    found = search_capacity(server, Settings(setting.slos, budget_s=BUDGET_S), disturb)
    assert stalled == [200]
    assert found.rate_per_s == pytest.approx(setting.truth_per_s, rel=0.06)
    (spoiled,) = [level for level in found.levels if level.problems]
    assert spoiled.rate_per_s == 200
    assert "contradicted by a later level" in spoiled.problems[0]


def test_levels_that_were_no_evidence_by_bad_luck_do_not_end_the_search() -> None:
    setting = SETTINGS[2]
    random = np.random.default_rng(8)
    server = SimulatedServer(setting.slots, setting.service_s, setting.kind, seed=8)
    found = search_capacity(
        server,
        Settings(setting.slos, budget_s=BUDGET_S),
        spoilt=lambda rate_per_s: ("woke up late",) if random.random() < 0.25 else (),
    )
    assert sum(bool(level.problems) for level in found.levels) >= 5
    assert found.rate_per_s == pytest.approx(setting.truth_per_s, rel=0.1)


def test_above_a_rate_that_the_generator_never_makes_nothing_is_claimed() -> None:
    setting = SETTINGS[2]
    server = SimulatedServer(setting.slots, setting.service_s, setting.kind, seed=4)
    found = search_capacity(
        server,
        Settings(setting.slos, budget_s=BUDGET_S),
        spoilt=lambda rate_per_s: ("generator-limited",) if rate_per_s > 300 else (),
    )
    assert not found.found
    assert found.last_pass is not None
    assert 250 < found.last_pass.rate_per_s <= 300
    assert found.why.startswith("from 3")
    assert "generator-limited" in found.why


@pytest.mark.truth
def test_200_searches_beside_bisection_on_single_trials(capsys) -> None:
    by_method = {
        "search": errors(ours, SETTINGS, range(100, 125)),
        "bisection, 20 s trials": errors(bisection, SETTINGS, range(100, 125)),
    }
    with capsys.disabled():
        sys.stdout.write("\n" + table(by_method) + "\n")
    found = by_method["search"]["all"]
    assert found.median <= 0.02
    assert found.p90 <= 0.05
    assert abs(found.bias) <= 0.02
    assert found.longest_s <= BUDGET_S


@pytest.mark.truth
def test_the_stated_interval_holds_the_truth_about_as_often_as_it_says(capsys) -> None:
    held, widths = [], []
    for setting in SETTINGS:
        for seed in range(200, 215):
            server = SimulatedServer(
                setting.slots, setting.service_s, setting.kind, Noise(per_trial=0.03), seed
            )
            found = search_capacity(server, Settings(setting.slos, budget_s=BUDGET_S))
            held.append((found.low_per_s or 0) <= setting.truth_per_s <= (found.high_per_s or 0))
            widths.append((found.high_per_s or 0) / (found.low_per_s or 1) - 1)
    with capsys.disabled():
        shares = f"{np.mean(held):.0%}; median width {np.median(widths):.1%}"
        sys.stdout.write(f"\n90% intervals hold the truth in {shares}\n")
    assert np.mean(held) >= 0.75


@pytest.mark.truth
@pytest.mark.parametrize(
    ("noise", "median", "p90"),
    [(Noise(), 0.02, 0.05), (Noise(drift=0.03, drift_memory_s=40), 0.025, 0.07)],
    ids=["quiet", "drifting"],
)
def test_it_holds_on_quiet_and_on_drifting_systems(noise, median, p90) -> None:
    # A drift with a memory of 40 s leaves some 7 independent looks at the system in 5 minutes: what it
    # carries on average is itself uncertain by 3% / sqrt(7), which no search can make up for.
    relative = []
    for setting in SETTINGS:
        for seed in range(300, 306):
            server = SimulatedServer(setting.slots, setting.service_s, setting.kind, noise, seed)
            found = search_capacity(server, Settings(setting.slos, budget_s=BUDGET_S))
            relative.append((found.rate_per_s or 0) / setting.truth_per_s - 1)
    assert np.median(np.abs(relative)) <= median
    assert np.quantile(np.abs(relative), 0.9) <= p90
    assert abs(np.mean(relative)) <= 0.02


def test_a_service_time_that_is_neither_fixed_nor_exponential_ends_with_an_interval() -> None:
    server = SimulatedServer(4, 0.01, "lognormal", Noise(per_trial=0.02), seed=3)
    found = search_capacity(server, Settings(tuple(parse_slos("p99 < 100ms")), budget_s=240))
    assert found.found
    assert 300 < (found.low_per_s or 0) < (found.rate_per_s or 0) < (found.high_per_s or 0) < 400
