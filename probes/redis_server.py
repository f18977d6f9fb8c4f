"""Redis or Valkey, asked by INFO: one server, or each master of a cluster."""

from __future__ import annotations

from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from probes.probe import ProbeError, Reading
from results.run import Kind

_WANTED: dict[str, tuple[str, Kind]] = {
    "keyspace_hits": ("hits", "counter"),
    "keyspace_misses": ("misses", "counter"),
    "evicted_keys": ("evictions", "counter"),
    "expired_keys": ("expired", "counter"),
    "total_commands_processed": ("ops", "counter"),
    "rejected_connections": ("rejected", "counter"),
    "total_error_replies": ("errors", "counter"),
    "used_memory": ("memory_bytes", "gauge"),
    "maxmemory": ("memory_max_bytes", "gauge"),
    "connected_clients": ("clients", "gauge"),
    "maxclients": ("clients_max", "gauge"),
    "blocked_clients": ("clients_blocked", "gauge"),
}
_REDIRECTS = ("errorstat_MOVED", "errorstat_ASK")


class RedisProbe:
    """One server, or one node of a cluster: then its slots and redirects are told as well."""

    tier = "redis"

    def __init__(
        self,
        host: str,
        port: int,
        password: str,
        instance: str = "redis",
        *,
        user: str = "",
        of_cluster: bool = False,
    ) -> None:
        self.instance = instance
        self._of_cluster = of_cluster
        self._client = client(host, port, user, password)

    def sample(self) -> list[Reading]:
        """What it says now. Raises ProbeError."""
        told = self._ask("INFO", "everything")
        readings = [
            Reading(metric, float(told[key]), kind) for key, (metric, kind) in _WANTED.items() if key in told
        ]
        for name, stat in told.items():
            if name.startswith("cmdstat_") and isinstance(stat, dict):
                command = name.removeprefix("cmdstat_")
                readings.append(Reading(f"command.{command}.calls", float(stat["calls"]), "counter"))
                readings.append(Reading(f"command.{command}.usec", float(stat["usec"]), "counter"))
        if self._of_cluster:
            redirects = sum(float(told[name]["count"]) for name in _REDIRECTS if name in told)
            readings.append(Reading("redirects", redirects, "counter"))
            readings += self._place_in_cluster()
        return readings

    def _place_in_cluster(self) -> list[Reading]:
        serves = self._ask("CLUSTER INFO")["cluster_state"] == "ok"
        known = self._ask("CLUSTER NODES")
        own = next(node for node in known.values() if "myself" in node["flags"])
        slots = sum(int(edges[-1]) - int(edges[0]) + 1 for edges in own["slots"])
        return [Reading("cluster_serves", float(serves)), Reading("slots", float(slots))]

    def _ask(self, *words: str) -> dict[str, Any]:
        try:
            told: dict[str, Any] = self._client.execute_command(*words)  # type: ignore[no-untyped-call]
        except redis.RedisError as problem:
            raise ProbeError(said(self.instance, problem)) from problem
        return told

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


def client(host: str, port: int, user: str, password: str) -> redis.Redis:
    """A client with short patience and no tries of its own: a probe that fails is a gap, not a delay."""
    return redis.Redis(
        host=host,
        port=port,
        username=user or None,
        password=password or None,
        protocol=2,
        decode_responses=True,
        socket_timeout=2,
        socket_connect_timeout=2,
        retry=Retry(NoBackoff(), 0),
    )


def said(instance: str, problem: redis.RedisError) -> str:
    """What went wrong, without credentials."""
    if isinstance(problem, redis.AuthenticationError):
        return f"{instance}: Redis refuses the password"
    return f"{instance}: {problem}"


def probes_of(server: dict[str, Any]) -> list[RedisProbe]:
    """The probes of a target's Redis: one, or one for each master of a cluster.

    A cluster's masters are those that the target names, else those that the given node knows of; where that
    node does not answer, it is watched alone and says so itself.
    """
    user, password = server.get("user", ""), server.get("password", "")
    if not server.get("cluster"):
        return [RedisProbe(server["host"], server["port"], password, user=user)]
    masters = [
        (node.get("name") or f"{node['host']}:{node['port']}", node["host"], node["port"])
        for node in server.get("nodes", [])
    ]
    return [
        RedisProbe(host, port, password, name, user=user, of_cluster=True)
        for name, host, port in masters or _masters_known_to(server, user, password)
    ]


def _masters_known_to(server: dict[str, Any], user: str, password: str) -> list[tuple[str, str, int]]:
    first = client(server["host"], server["port"], user, password)
    try:
        known: dict[str, Any] = first.execute_command("CLUSTER NODES")  # type: ignore[no-untyped-call]
    except redis.RedisError:
        return [("redis", server["host"], server["port"])]
    finally:
        first.close()
    masters = []
    for address, node in known.items():
        if "master" in node["flags"] and "fail" not in node["flags"].split(","):
            host, _, port = address.rpartition(":")
            masters.append((address, host or server["host"], int(port)))
    return sorted(masters)
