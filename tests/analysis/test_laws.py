import math

import numpy as np
import pytest

from analysis.laws import LittleCheck, Station, bounds, demand_s, mean_values
from tests.truth.formulas import erlang_c


def test_demand_follows_from_utilisation_servers_and_throughput() -> None:
    assert demand_s(0.5, 4, 100) == pytest.approx(0.02)
    assert math.isnan(demand_s(0.5, 4, 0))


@pytest.mark.parametrize(("in_system", "holds"), [(10.0, True), (10.4, True), (10.6, False), (9.4, False)])
def test_littles_law_is_flagged_beyond_5_percent(in_system, holds) -> None:
    assert LittleCheck(in_system, 100, 0.1).holds is holds


def test_next_to_nothing_in_the_system_is_not_held_against_the_law() -> None:
    assert LittleCheck(0.3, 5, 0.02).holds


def test_a_bound_on_the_time_is_missed_only_from_above() -> None:
    assert LittleCheck(4, 100, 0.1, at_most=True).holds
    assert not LittleCheck(11, 100, 0.1, at_most=True).holds


def test_the_bound_is_the_tightest_station_and_the_users() -> None:
    found = bounds([Station("pool", 0.02, 10), Station("cpu", 0.004, 2), Station("think", 1.0, 0)])
    assert found.limits_per_s[0] == ("pool", 500.0)
    assert found.limits_per_s[1] == ("cpu", 500.0)
    assert found.throughput_per_s([1, 10_000]) == pytest.approx([1 / 1.024, 500.0])


def test_mean_values_of_one_station_and_think_time_is_the_machine_repairman() -> None:
    # Independent truth: birth-death equations of N users, think 1 s, one server of 0.1 s.
    n, think, service = 12, 1.0, 0.1
    weights = [1.0]
    for waiting in range(n):
        weights.append(weights[-1] * (n - waiting) / think * service)
    p_idle = weights[0] / sum(weights)
    assert mean_values([Station("disk", service)], n, think).throughput_per_s[-1] == pytest.approx(
        (1 - p_idle) / service
    )


@pytest.mark.parametrize("servers", [2, 5])
def test_mean_values_with_several_servers_agrees_with_birth_and_death(servers) -> None:
    n, think, service = 20, 0.5, 0.1
    weights = [1.0]
    for present in range(n):
        weights.append(weights[-1] * (n - present) / think / (min(present + 1, servers) / service))
    p = np.array(weights) / sum(weights)
    rate = float(p @ np.minimum(np.arange(n + 1), servers)) / service
    assert mean_values([Station("pool", service, servers)], n, think).throughput_per_s[-1] == pytest.approx(
        rate, rel=1e-6
    )


def test_mean_values_nears_the_open_queue_with_many_users() -> None:
    users, load, slots, service = 600, 4.0, 5, 0.1
    think = users / (load / service) - service
    open_response = service + erlang_c(load, slots) * service / (slots - load)
    assert mean_values([Station("pool", service, slots)], users, think).response_s[-1] == pytest.approx(
        open_response, rel=0.03
    )


def test_mean_values_obeys_littles_law_and_the_bounds() -> None:
    stations = [Station("cpu", 0.01, 2), Station("disk", 0.03), Station("network", 0.05, 0)]
    solved = mean_values(stations, 50, think_s=0.2)
    assert solved.queue.sum(axis=1) + solved.throughput_per_s * 0.2 == pytest.approx(solved.users)
    assert (solved.throughput_per_s <= bounds(stations).throughput_per_s(solved.users, 0.2) + 1e-9).all()
