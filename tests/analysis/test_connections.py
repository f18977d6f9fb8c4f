import numpy as np
import pytest

from analysis.connections import Connections, PoolSize, connections, warnings
from analysis.samples import Samples
from results import Series

KNOBS = {"api.pool_size": 10, "api.instances": 3, "db.max_connections": 200}


def said(figures: dict[tuple[str, str, str], float]) -> Samples:
    """Samples of a minute in which nothing changed."""
    at_s = np.arange(60.0)
    series = [Series(*name, "gauge", at_s, np.full(60, value)) for name, value in figures.items()]
    return Samples(series, 0, 60)


@pytest.mark.parametrize(
    ("size", "most", "words"),
    [
        (40, 151, "max_connections is 151: under load"),
        (37, 151, "fewer than 5"),
        (31, 151, "one more"),
        (10, 151, ""),
        (10, None, "not checked, max_connections is unknown"),
    ],
)
def test_connection_arithmetic(size, most, words) -> None:
    found = Connections("primary", (PoolSize("primary", "api", "primary", 4, size),), most).warnings
    assert (words in found[0]) if words else not found


def test_every_instance_and_every_pool_counts_at_the_server_that_it_opens() -> None:
    samples = said(
        {
            ("api", "api1", "pool.primary.max"): 10, ("api", "api2", "pool.primary.max"): 10,
            ("api", "api1", "pool.replica.max"): 20, ("api", "api2", "pool.replica.max"): 20,
            ("jobs", "jobs1", "pool.primary.max"): 2,
            ("primary", "primary", "connections_max"): 151, ("replica", "replica", "connections_max"): 100,
        }
    )  # fmt: skip
    primary, replica = connections(samples, {})
    assert (primary.most, primary.max_connections) == (22, 151)
    assert primary.sum_words == "api primary 2 x 1 x 10 + jobs primary 1 x 1 x 2"
    assert (replica.most, replica.max_connections) == (40, 100)


def test_workers_that_the_target_tells_of_each_have_a_pool() -> None:
    samples = said(
        {
            ("api", "api1", "pool.primary.max"): 10, ("api", "api2", "pool.primary.max"): 10,
            ("primary", "primary", "connections_max"): 60,
        }
    )  # fmt: skip
    (primary,) = connections(samples, {"workers": {"api1": 4, "api2": 4}})
    assert primary.most == 80
    assert "80 connections (api primary 2 x 4 x 10), max_connections is 60" in primary.warnings[0]


def test_knobs_stand_in_for_what_nobody_says() -> None:
    found = connections(said({}), {"knobs": KNOBS})
    assert [(one.server, one.most, one.max_connections) for one in found] == [
        ("primary", 30, 200),
        ("replica", 30, 200),
    ]


def test_what_cannot_be_checked_is_said() -> None:
    pools_alone = said({("api", "api1", "pool.main.max"): 10})
    (text,) = warnings(connections(pools_alone, {}))
    assert text == (
        "primary: the pools may open 10 connections (api main 1 x 1 x 10); not checked, max_connections is"
        " unknown"
    )
    limit_alone = said({("primary", "primary", "connections_max"): 151})
    assert warnings(connections(limit_alone, {})) == (
        "primary: connections not checked, the sizes of its clients' pools are unknown",
    )
    cpu_alone = said({("primary", "primary", "cpu_ratio"): 0.2})
    assert "not checked" in warnings(connections(cpu_alone, {}))[0]


def test_a_system_without_a_database_has_nothing_to_check() -> None:
    assert connections(said({("web", "web1", "cpu_ratio"): 0.5}), {}) == ()
