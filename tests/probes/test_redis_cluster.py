"""The stack on a Redis Cluster, and each node's figures beside what a cluster's client did."""

import json
import urllib.request
from typing import Any

import psutil
import pytest
import redis

from drive.target import Target
from probes.probe import ProbeError, Reading
from probes.redis_server import RedisProbe, probes_of
from stack import control, supervision
from stack.app.seedplan import PASSWORD, email_of
from stack.place import Place
from stack.status import render

pytestmark = pytest.mark.stack
NAME = "other"


@pytest.fixture
def cluster(other_stack: dict[str, Any]) -> dict[str, Any]:
    """The description of a stack whose Redis is a cluster."""
    return other_stack


def summed(probes: list[RedisProbe]) -> dict[str, float]:
    """Every figure, added up over the nodes."""
    total: dict[str, float] = {}
    for probe in probes:
        for reading in probe.sample():
            assert isinstance(reading, Reading)
            total[reading.metric] = total.get(reading.metric, 0) + reading.value
    return total


def client_of(server: dict[str, Any]) -> redis.RedisCluster:
    return redis.RedisCluster(
        host=server["host"], port=server["port"], password=server["password"], protocol=2
    )


def test_the_nodes_figures_add_up_to_what_the_client_did(cluster: dict[str, Any]) -> None:
    probes = probes_of(cluster["redis"])
    client = client_of(cluster["redis"])
    keys = [f"probe-test-{n}" for n in range(60)]
    before = summed(probes)
    for key in keys:
        client.set(key, "x", ex=60)
        client.get(key)
    for n in range(25):
        client.get(f"probe-test-absent-{n}")
    after = summed(probes)
    for key in keys:
        client.delete(key)
    client.close()

    def grown(metric: str) -> float:
        return after[metric] - before.get(metric, 0)

    assert grown("command.set.calls") == 60
    assert grown("command.get.calls") == 85
    assert grown("hits") == 60
    assert after["slots"] == 16384
    assert after["cluster_serves"] == 3
    for probe in probes:
        probe.close()


def test_keys_and_commands_lie_on_every_node(cluster: dict[str, Any]) -> None:
    probes = probes_of(cluster["redis"])
    assert [probe.instance for probe in probes] == ["redis1", "redis2", "redis3"]
    for probe in probes:
        told = {reading.metric: reading.value for reading in probe.sample()}
        assert 5000 < told["slots"] < 6000
        assert told["memory_bytes"] > 500_000
        assert told["memory_max_bytes"] == 64 * 1024 * 1024
        probe.close()


def test_a_client_that_knows_nothing_of_the_cluster_is_a_redirect(cluster: dict[str, Any]) -> None:
    (first, *_) = probes_of(cluster["redis"])
    server = cluster["redis"]
    told = {reading.metric: reading.value for reading in first.sample()}
    with redis.Redis(host=server["host"], port=server["port"], password=server["password"]) as plain:
        refused = 0
        for n in range(40):
            try:
                plain.get(f"probe-test-{n}")
            except redis.exceptions.MovedError:
                refused += 1
    again = {reading.metric: reading.value for reading in first.sample()}
    assert refused > 10
    assert again["redirects"] - told["redirects"] == refused
    first.close()


def test_one_address_is_enough_to_find_every_master(cluster: dict[str, Any]) -> None:
    server = {key: value for key, value in cluster["redis"].items() if key != "nodes"}
    found = probes_of(server)
    ports = [node["port"] for node in cluster["redis"]["nodes"]]
    assert [probe.instance for probe in found] == [f"127.0.0.1:{port}" for port in ports]
    assert summed(found)["slots"] == 16384


def test_the_application_signs_in_over_the_cluster_and_is_never_redirected(cluster: dict[str, Any]) -> None:
    probes = probes_of(cluster["redis"])
    before = summed(probes)
    for user in range(1, 31):
        body = json.dumps({"email": email_of(user), "password": PASSWORD}).encode()
        request = urllib.request.Request(
            f"{cluster['api'][0]['url']}/trpc/auth.signIn", body, {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            token = json.load(answer)["result"]["data"]["token"]
        asked = urllib.request.Request(
            f"{cluster['api'][0]['url']}/trpc/auth.me", headers={"authorization": f"Bearer {token}"}
        )
        with urllib.request.urlopen(asked, timeout=30) as answer:
            assert json.load(answer)["result"]["data"]["email"] == email_of(user)
    after = summed(probes)
    assert after["command.setex.calls"] - before.get("command.setex.calls", 0) >= 30
    assert after["command.mget.calls"] - before.get("command.mget.calls", 0) == 30
    assert after["redirects"] == before["redirects"]


def test_the_target_says_that_it_is_a_cluster_and_status_that_it_serves(cluster: dict[str, Any]) -> None:
    target = Target.from_stack(Place(NAME).target)
    assert target.redis is not None
    assert target.redis.cluster
    assert [node.name for node in target.redis.nodes] == ["redis1", "redis2", "redis3"]
    assert target.for_scenarios()["redis"]["cluster"] is True
    text = render(control.status(NAME))
    assert "redis cluster: serving" in text
    assert all(name in text for name in ("redis1", "redis2", "redis3"))


def test_a_node_that_is_gone_is_a_gap_of_its_own(cluster: dict[str, Any]) -> None:
    first, second, third = probes_of(cluster["redis"])
    (pid,) = [one["pid"] for one in cluster["processes"] if one["name"] == "redis2"]
    process = psutil.Process(pid)
    process.kill()
    psutil.wait_procs([process], timeout=10)
    try:
        assert first.sample()
        assert third.sample()
        with pytest.raises(ProbeError, match="redis2"):
            second.sample()
        told = control.status(NAME)
        assert not told.healthy
        assert "redis2 does not answer" in told.redis_cluster
    finally:
        supervision.start(Place(NAME), "redis2")
    # It knows its place from its nodes.conf, and the others take it back.
    assert supervision.wait_until(lambda: control.status(NAME).redis_cluster == "serving", 60)
    assert second.sample()


@pytest.mark.truth
def test_up_mends_a_cluster_that_lost_a_node() -> None:
    name = "mended"
    control.down(name)
    try:
        target = json.loads(control.up(name, {"redis.cluster": "true", "web.instances": "1"}).read_text())
        for one in target["processes"]:
            if one["name"] in ("redis1", "redis3"):
                psutil.Process(one["pid"]).kill()
        control.up(name)
        assert control.status(name).redis_cluster == "serving"
    finally:
        control.down(name)
