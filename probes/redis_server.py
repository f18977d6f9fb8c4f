"""Redis or Valkey, asked by INFO: one server, or each master of a cluster."""

from __future__ import annotations

from collections import Counter
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from probes.probe import ProbeError, Reading
from results.series import Kind

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
        server: dict[str, Any],
        instance: str = "redis",
        address: tuple[str, int] | None = None,
    ) -> None:
        """`server` is a target's Redis; `address` is that of one node, where it is a cluster."""
        host, port = address or (server["host"], server["port"])
        of_cluster = bool(server.get("cluster"))
        self.instance = instance
        self.calls: Counter[str] = Counter()
        self._of_cluster = of_cluster
        self._client = client({**server, "host": host, "port": port})

    def sample(self) -> list[Reading]:
        """What it says now. Raises ProbeError."""
        told = self._ask("INFO", "everything")
        readings = [
            Reading(metric, float(told[key]), kind) for key, (metric, kind) in _WANTED.items() if key in told
        ]
        databases = [stat for name, stat in told.items() if name[:2] == "db" and name[2:].isdecimal()]
        readings.append(Reading("keys", float(sum(stat["keys"] for stat in databases))))
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
        self.calls[self.tier] += 1
        try:
            told: dict[str, Any] = self._client.execute_command(*words)  # type: ignore[no-untyped-call]
        except redis.RedisError as problem:
            raise ProbeError(said(self.instance, problem)) from problem
        return told

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


def client(server: dict[str, Any]) -> redis.Redis:
    """A client with short patience and no tries of its own: a probe that fails is a gap, not a delay."""
    return redis.Redis(
        host=server["host"],
        port=server["port"],
        username=server.get("user") or None,
        password=server.get("password") or None,
        ssl=bool(server.get("tls")),
        ssl_ca_certs=server.get("ca_file") or None,
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
    if not server.get("cluster"):
        return [RedisProbe(server)]
    masters = [
        (node.get("name") or f"{node['host']}:{node['port']}", node["host"], node["port"])
        for node in server.get("nodes", [])
    ]
    return [
        RedisProbe(server, name, (host, port)) for name, host, port in masters or _masters_known_to(server)
    ]


def _masters_known_to(server: dict[str, Any]) -> list[tuple[str, str, int]]:
    first = client(server)
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
