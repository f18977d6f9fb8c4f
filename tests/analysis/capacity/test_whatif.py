import pytest

from analysis.bottleneck import Bottleneck, Diagnosis, Use
from analysis.capacity.whatif import (
    Change,
    Model,
    as_predicted,
    changes,
    predict,
    rate_with,
    response_at,
    unexplained,
)
from analysis.laws import Station

POOL = Station("API replica pool", 0.02, 5)
CPU = Station("API CPU", 0.002, 1)
DOUBLED = Change("pool", POOL.name, 2.0, "pool of 10")


def test_rate_and_response_of_the_model_are_each_others_inverse() -> None:
    system = Model((POOL, CPU), (), 0.01)
    assert rate_with(system, response_at(system, 200)) == pytest.approx(200, rel=1e-6)


def test_a_pool_twice_as_large_carries_about_twice_as_much_where_nothing_else_limits() -> None:
    found = predict(Model((POOL,), (), 0.01), 220, DOUBLED)
    # Larger pools wait less at the same utilisation, so a little more than twice.
    assert 440 <= found.after_per_s <= 500
    assert found.limited_by == POOL.name


def test_the_next_station_limits_what_a_larger_pool_gives() -> None:
    system = Model((Station(POOL.name, 0.02, 5), Station("API CPU", 0.0035, 1)), (), 0.01)
    found = predict(system, 220, DOUBLED)
    assert 220 < found.after_per_s < 1 / 0.0035
    assert found.limited_by == "API CPU"


def test_a_shared_resource_that_is_full_already_leaves_nothing_to_gain() -> None:
    system = Model((Station(POOL.name, 0.002, 5), CPU), (("host CPU", 230.0),), 0.01)
    found = predict(system, 225, DOUBLED)
    assert found.gain == pytest.approx(0, abs=0.01)
    assert found.limited_by == "host CPU"


def test_workers_that_limit_today_limit_later_when_they_are_as_busy_as_today() -> None:
    # 200/s of the 250/s that the workers could do: 80% busy at the limit, before and after.
    system = Model((CPU,), (("web instances workers", 250.0), ("host CPU", 450.0)), 0.01)
    third = Change("instances", "web", 1.5, "3 web instances")
    found = predict(system, 200, third)
    assert found.after_per_s == pytest.approx(300)
    assert found.limited_by == "web instances workers"


def test_what_does_not_limit_today_may_fill_up_before_it_limits() -> None:
    system = Model((CPU,), (("web instances workers", 250.0), ("host CPU", 300.0)), 0.01)
    found = predict(system, 200, Change("instances", "web", 2.0, "4 web instances"))
    assert found.after_per_s == pytest.approx(0.95 * 300)
    assert found.limited_by == "host CPU"


def test_more_instances_bring_their_pools_and_workers() -> None:
    system = Model((POOL, CPU), (("API workers", 400.0), ("host CPU", 10_000.0)), 0.01)
    found = predict(system, 220, Change("instances", "api", 2.0, "2 API instances"))
    assert 440 <= found.after_per_s <= 500


def test_faster_queries_free_connections_and_the_machine_for_what_else_runs_on_it() -> None:
    # 2 cores: a request takes 8 ms of CPU, 4 of them in the database.
    system = Model(
        (Station(POOL.name, 0.008, 50),), (("host CPU", 250.0), ("MySQL primary CPU", 500.0)), 0.01
    )
    found = predict(system, 245, Change("query", "", 0.5, "queries in half the time"))
    assert found.after_per_s == pytest.approx(245 * 8 / 6, rel=0.01)
    assert found.limited_by == "host CPU"


def test_a_limit_far_below_every_bound_is_not_explained_and_nothing_is_predicted() -> None:
    system = Model((POOL, CPU), (("host CPU", 600.0),), 0.01)
    assert unexplained(system, 200) == ""
    assert "tightest resource (API replica pool) would carry 250/s" in unexplained(system, 120)


def of_two(use: Use) -> tuple[Model, Change]:
    """Two API instances with a pool or workers, and twice as many of them."""
    network = (Station(use.name, use.demand_s, 10),) if use.is_pool else ()
    caps = () if use.is_pool else ((use.name, use.servers / use.demand_s),)
    system = Model((*network, Station("API CPU", 0.0035, 2)), (*caps, ("host CPU", 320.0)), 0.01, (use,))
    return system, changes(system, ())[0]


def test_sizes_of_a_pool_are_those_of_each_instance() -> None:
    system, change = of_two(Use("api", "replica pool", 0.9, 10, 0.04, instances=2))
    assert change.words == "API replica pool: 10 instead of 5 in each of 2 instances"
    found = predict(system, 220, change)
    assert found.limited_by == "host CPU"
    said = "a pool of 10 instead of 5 in each of 2 instances moves the limit to the host CPU, at about 304/s"
    assert found.next_limit == said


def test_twice_the_workers_carry_what_keeps_them_as_busy_as_today() -> None:
    system, change = of_two(Use("api", "workers", 0.8, 64, 0.32, instances=2))
    assert change.words == "API workers: 64 instead of 32 in each of 2 instances"
    found = predict(system, 140, change)
    assert found.after_per_s == pytest.approx(280)
    said = "64 workers instead of 32 in each of 2 instances let it carry about 280/s"
    assert found.next_limit == said


def test_a_pool_that_gains_nothing_is_said_to_gain_nothing() -> None:
    pool = Use("api", "replica pool", 0.9, 5, 0.002)
    system = Model((Station(pool.name, 0.002, 5), CPU), (("host CPU", 230.0),), 0.01, (pool,))
    found = predict(system, 225, changes(system, ())[0])
    said = "with a pool of 10 instead of 5 the host CPU limits all the same, at about 225/s"
    assert found.next_limit == said


def test_a_diagnosis_names_the_limits_that_are_predicted_and_no_others() -> None:
    def named(use: str) -> Bottleneck:
        return Bottleneck("x", "api", "x", "x", 1.0, (), "x", next_limit="788/s at most", use=use)

    pool = Use("api", "replica pool", 0.9, 10, 0.04)
    system, change = of_two(pool)
    found = predict(system, 220, change)
    bounds = Diagnosis("found", (named(pool.name), named("API primary pool")), (), "200/s")
    assert [one.next_limit for one in as_predicted(bounds, [found]).ranked] == [found.next_limit, ""]
    assert [one.next_limit for one in as_predicted(bounds, []).ranked] == ["", ""]
