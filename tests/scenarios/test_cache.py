"""Cache scenarios beside Redis's own counters."""

from __future__ import annotations

import pytest

from tests.scenarios.conftest import HERE, Drive, Driven, Servers, wait_for

pytestmark = pytest.mark.stack
CLASSES = ("hot", "popular", "rare", "big")


@pytest.fixture(scope="module")
def cache(drive: Drive, servers: Servers) -> Driven:
    with servers.redis_client() as client:
        for key in client.scan_iter("load:*", count=1000):
            client.delete(key)
    return drive(str(HERE / "mixed_cache.py"), "redis", users=80, for_s=4)


def test_nothing_failed(cache: Driven) -> None:
    assert not cache.failures()


def test_hits_are_those_that_redis_counted(cache: Driven) -> None:
    found = sum(cache.count(f"GET [{kind}]") - cache.count(f"origin [{kind}]") for kind in CLASSES)
    assert cache.grown["redis"]["keyspace_hits"] == found + cache.count("touch") > 0


def test_commands_are_those_that_redis_counted(cache: Driven) -> None:
    counted = {
        "get": sum(cache.count(f"GET [{kind}]") for kind in CLASSES) + cache.count("look up"),
        "setex": sum(cache.count(f"SETEX [{kind}]") for kind in CLASSES) + cache.run.merged("sign in").count,
        "del": sum(cache.count(f"DEL [{kind}]") for kind in CLASSES) + cache.count("sign out"),
        "expire": cache.count("touch"),
        "psetex": cache.count("sign in and leave"),
    }
    assert {name: cache.grown["redis"][f"calls.{name}"] for name in counted} == counted
    assert all(counted.values())


def test_sessions_that_are_left_expire_and_the_others_stay(cache: Driven, servers: Servers) -> None:
    signed_in, signed_out = cache.run.merged("sign in").count, cache.count("sign out")
    with servers.redis_client() as client:

        def left() -> int:
            return sum(1 for _ in client.scan_iter("load:session:*", count=1000))

        wait_for(lambda: left() == signed_in - signed_out)


def test_the_hot_key_hits_more_often_than_rare_ones(cache: Driven) -> None:
    ratio = {kind: 1 - cache.count(f"origin [{kind}]") / cache.count(f"GET [{kind}]") for kind in CLASSES}
    assert ratio["hot"] > ratio["popular"] > ratio["rare"]


def test_an_expiry_of_the_hot_key_is_a_stampede(cache: Driven) -> None:
    """Without a lock, all who ask while the value is computed (20 ms) compute it as well."""
    expiries = cache.run.duration_s / 2 + 1  # its TTL is 2 s
    assert cache.count("origin [hot]") > expiries
