"""Redis or Valkey, asked by INFO."""

from __future__ import annotations

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


class RedisProbe:
    """One server."""

    tier = "redis"

    def __init__(self, host: str, port: int, password: str, instance: str = "redis") -> None:
        self.instance = instance
        self._client = redis.Redis(
            host=host,
            port=port,
            password=password or None,
            socket_timeout=2,
            socket_connect_timeout=2,
            retry=Retry(NoBackoff(), 0),
        )

    def sample(self) -> list[Reading]:
        """What it says now. Raises ProbeError."""
        try:
            told = self._client.info("everything")
        except redis.AuthenticationError as problem:
            raise ProbeError("Redis refuses the password") from problem
        except redis.RedisError as problem:
            raise ProbeError(f"Redis: {problem}") from problem
        readings = [
            Reading(metric, float(told[key]), kind) for key, (metric, kind) in _WANTED.items() if key in told
        ]
        for name, stat in told.items():
            if name.startswith("cmdstat_") and isinstance(stat, dict):
                command = name.removeprefix("cmdstat_")
                readings.append(Reading(f"command.{command}.calls", float(stat["calls"]), "counter"))
                readings.append(Reading(f"command.{command}.usec", float(stat["usec"]), "counter"))
        return readings

    def close(self) -> None:
        """Close the connection."""
        self._client.close()
