from __future__ import annotations

import math
from itertools import chain

import numpy as np
import pytest
from scipy import stats

from load.arrivals import Arrivals, Kind, Schedule, Source, SteeredRate
from results import Stages

RAMP = "50/s for 4s, ramp to 200/s over 10s, 200/s for 6s"


def due_times(arrivals: Source, until_s: float = math.inf) -> list[float]:
    times = []
    while arrivals.due_s <= until_s and arrivals.due_s != math.inf:
        times.append(arrivals.due_s)
        arrivals.advance()
    return times


def test_evenly_spaced_arrivals_follow_the_integral_of_the_rate() -> None:
    plan = Stages.parse("ramp to 100/s over 10s")  # 5 t^2 arrivals by t
    times = due_times(Arrivals(plan, "even"))
    assert len(times) == 500
    np.testing.assert_allclose(times, np.sqrt((np.arange(500) + 0.5) / 5), rtol=1e-9)


@pytest.mark.parametrize("generators", [1, 3, 7])
def test_evenly_spaced_shares_interleave_to_the_whole(generators: int) -> None:
    plan = Stages.parse(RAMP)
    shares = [due_times(Arrivals(plan, "even", 1, i, generators)) for i in range(generators)]
    np.testing.assert_allclose(
        sorted(chain.from_iterable(shares)), due_times(Arrivals(plan, "even")), atol=1e-9
    )


@pytest.mark.parametrize("generators", [1, 3])
def test_poisson_shares_are_together_a_poisson_process_of_the_planned_rate(generators: int) -> None:
    plan = Stages.parse(RAMP)
    p_values = []
    for seed in range(40):
        times = sorted(
            time
            for index in range(generators)
            for time in due_times(Arrivals(plan, "poisson", seed, index, generators))
        )
        # Given their number, arrivals mapped through the integral are uniform (conditional Anderson-Darling).
        reached = np.array([plan.cumulative(time) for time in times]) / plan.cumulative(plan.duration_s)
        p_values.append(anderson_darling_uniform(reached))
    # 40 independent p-values are themselves uniform when the process is what it claims to be.
    assert stats.kstest(p_values, "uniform").pvalue > 0.01


@pytest.mark.parametrize("generators", [1, 3])
def test_poisson_gaps_are_exponential_in_the_whole(generators: int) -> None:
    plan = Stages.constant(1000, 20)
    times = sorted(
        time
        for index in range(generators)
        for time in due_times(Arrivals(plan, "poisson", 7, index, generators))
    )
    gaps = np.diff(np.array(times))
    assert anderson_darling_uniform(1 - np.exp(-1000 * gaps)) > 0.01
    assert len(times) == pytest.approx(20_000, abs=4 * math.sqrt(20_000))


def test_the_same_seed_gives_the_same_arrivals_and_another_gives_others() -> None:
    plan = Stages.constant(100, 5)
    first = due_times(Arrivals(plan, seed=3))
    assert first == due_times(Arrivals(plan, seed=3))
    assert first != due_times(Arrivals(plan, seed=4))


@pytest.mark.parametrize("kind", ["poisson", "even"])
def test_a_new_rate_holds_from_its_time_on(kind: Kind) -> None:
    rate = SteeredRate()
    arrivals = Arrivals(rate, kind, seed=5)
    assert arrivals.due_s == math.inf
    arrivals.steer(200, 1.0)
    low = due_times(arrivals, 11.0)
    arrivals.steer(1000, 11.0)
    high = due_times(arrivals, 16.0)
    assert min(low) >= 1.0
    assert len(low) == pytest.approx(2000, abs=4 * math.sqrt(2000) if kind == "poisson" else 1)
    assert len(high) == pytest.approx(5000, abs=4 * math.sqrt(5000) if kind == "poisson" else 1)
    arrivals.steer(0, 16.0)
    assert arrivals.due_s == math.inf


def test_a_change_told_ahead_of_its_time_leaves_the_arrivals_before_it() -> None:
    arrivals = Arrivals(SteeredRate(), "even")
    arrivals.steer(100, 0.0)
    arrivals.steer(0, 3.0)
    assert len(due_times(arrivals, 10.0)) == 300
    arrivals.steer(10, 5.0)
    assert len(due_times(arrivals, 10.0)) == 50


@pytest.mark.parametrize("kind", ["poisson", "even"])
def test_the_others_carry_a_lost_generators_share(kind: Kind) -> None:
    plan = Stages.constant(300, 30)
    generators = [Arrivals(plan, kind, 2, index, 3) for index in range(3)]
    before = [due_times(each, 10.0) for each in generators]
    survivors = generators[:2]
    for index, each in enumerate(survivors):
        each.take_share(index, 2, 10.0)
    after = sorted(chain.from_iterable(due_times(each) for each in survivors))
    assert len(before[0]) == pytest.approx(1000, abs=4 * math.sqrt(1000))
    assert len(after) == pytest.approx(6000, abs=4 * math.sqrt(6000) if kind == "poisson" else 2)
    if kind == "even":
        np.testing.assert_allclose(np.diff(after), 1 / 300, atol=1e-6)


def test_passing_counts_what_is_due() -> None:
    arrivals = Arrivals(Stages.constant(100, 10), "even")
    assert arrivals.pass_until(2.0) == 200
    assert arrivals.pass_until(2.0) == 0
    assert arrivals.pass_until(99.0) == 800


def anderson_darling_uniform(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    """The p-value of the Anderson-Darling test against U(0, 1), by Marsaglia's approximation (2004)."""
    u = np.sort(values)
    n = len(u)
    i = np.arange(1, n + 1)
    z = -n - np.mean((2 * i - 1) * (np.log(u) + np.log1p(-u[::-1])))
    if z < 2:
        c = [2.00012, 0.247105, -0.0649821, 0.0347962, -0.0116720, 0.00168691]
        return float(1 - np.exp(-1.2337141 / z) / np.sqrt(z) * np.polyval(c[::-1], z))
    c = [1.0776, -2.30695, 0.43424, -0.082433, 0.008056, -0.0003146]
    return float(1 - np.exp(-np.exp(np.polyval(c[::-1], z))))


TIMES = [0.0, 0.0, 0.5, 1.0, 1.0, 1.5, 2.0, 9.0, 9.5, 10.0]
FLAT = Stages.constant(1, 10)


@pytest.mark.parametrize("generators", [1, 3, 20])
def test_a_schedule_s_shares_are_the_whole_schedule_each_arrival_once(generators: int) -> None:
    taken = []
    for index in range(generators):
        share = Schedule(TIMES, FLAT, index, generators)
        while share.due_s != math.inf:
            assert share.due_s == TIMES[share.number]
            taken.append(share.number)
            share.advance()
    assert sorted(taken) == list(range(len(TIMES)))


def test_a_lost_generator_s_scheduled_arrivals_go_to_the_others_from_a_time_on() -> None:
    shares = [Schedule(TIMES, FLAT, index, 3) for index in range(3)]
    assert [share.pass_until(0.7) for share in shares] == [1, 1, 1]
    taken = []
    for index, share in enumerate(shares[:2]):
        share.take_share(index, 2, 1.2)
    for share in shares[:2]:
        while share.due_s != math.inf:
            taken.append(share.number)
            share.advance()
    # Places 3 and 4 (1.0 s) were the two's before; from 1.2 s on the third's are theirs as well.
    assert sorted(taken) == [3, 4, 5, 6, 7, 8, 9]


def test_an_arrival_already_handed_out_is_not_given_again() -> None:
    share = Schedule(TIMES, FLAT, 0, 2)
    assert share.pass_until(2.0) == 4  # places 0, 2, 4, 6
    share.take_share(0, 1, 0.7)
    assert due_times(share) == [1.0, 1.5, 9.0, 9.5, 10.0]  # those of the other, and the rest


def test_a_schedule_keeps_to_its_times_whatever_is_steered() -> None:
    share = Schedule(TIMES, FLAT)
    share.steer(1000, 0.0)
    assert due_times(share) == TIMES
