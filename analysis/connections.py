"""Connection arithmetic: instances x workers x pool against what each database server accepts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.samples import Samples

WITH_POOLS = ("web", "api", "jobs")
SERVERS = ("primary", "replica")


@dataclass(frozen=True)
class PoolSize:
    """The connections that one tier may open to one server.

    `size` is of each worker: a process of an instance that has pools of its own.
    """

    server: str
    tier: str
    pool: str
    instances: int
    size: int
    workers: int = 1

    @property
    def most(self) -> int:
        """instances x workers x pool size."""
        return self.instances * self.workers * self.size

    @property
    def name(self) -> str:
        """Tier and pool in words."""
        return f"{self.tier} {self.pool}"


@dataclass(frozen=True)
class Connections:
    """Connection arithmetic of one server.

    `pools` is empty, or `max_connections` None, where nobody says: then nothing is checked, and `warnings`
    say so. `spare` is kept for replication, administration and probes.
    """

    server: str
    pools: tuple[PoolSize, ...]
    max_connections: int | None
    spare: int = 5

    @property
    def most(self) -> int:
        """All that the pools may open together."""
        return sum(pool.most for pool in self.pools)

    @property
    def refuses(self) -> bool:
        """Whether the pools may ask for more than the server accepts."""
        return self.max_connections is not None and self.most > self.max_connections

    @property
    def sum_words(self) -> str:
        """How it adds up."""
        return " + ".join(
            f"{pool.name} {pool.instances} x {pool.workers} x {pool.size}" for pool in self.pools
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """What does not add up, or was not checked, in words."""
        limit = self.max_connections
        if not self.pools:
            return (f"{self.server}: connections not checked, the sizes of its clients' pools are unknown",)
        may = f"{self.server}: the pools may open {self.most} connections ({self.sum_words})"
        grown = sum(pool.most + pool.workers * pool.size for pool in self.pools)
        if limit is None:
            text = f"{may}; not checked, max_connections is unknown"
        elif self.refuses:
            text = f"{may}, max_connections is {limit}: under load some are refused"
        elif self.most + self.spare > limit:
            text = f"{may} of {limit}: fewer than {self.spare} are left for replication and administration"
        elif grown > limit:
            text = f"{may}; one more instance makes that {grown} of {limit}: raise it before scaling out"
        else:
            return ()
        return (text,)


def connections(samples: Samples, environment: Mapping[str, Any]) -> tuple[Connections, ...]:
    """The arithmetic of each database server, from what pools and servers say, else from the run's knobs.

    How many workers an instance has is what its target says (`workers` of the run's environment), else one.
    A pool belongs to the server that its name holds. Servers of which neither a limit nor a pool is known,
    and which were not watched, are left out: nothing says that they exist.
    """
    knobs = environment.get("knobs", {})
    pools = _watched(samples, environment.get("workers", {})) or _configured(knobs)
    found = []
    for server in SERVERS:
        limit = samples.highest(server, "connections_max") or knobs.get("db.max_connections")
        own = tuple(pool for pool in pools if pool.server == server)
        if limit or own or server in samples.tiers:
            found.append(Connections(server, own, int(limit) if limit else None))
    return tuple(found)


def _watched(samples: Samples, workers: Mapping[str, int]) -> list[PoolSize]:
    found = []
    for tier in WITH_POOLS:
        for metric in sorted(samples.metrics(tier)):
            if not (metric.startswith("pool.") and metric.endswith(".max")):
                continue
            pool = metric.split(".")[1]
            sizes = {one: samples.highest(tier, metric, one) for one in samples.instances(tier, metric)}
            known = {one: size for one, size in sizes.items() if size}
            if known:
                # A pool without a server's name in its own goes to the primary: writes do.
                server = next((name for name in SERVERS if name in pool), "primary")
                each = max(workers.get(one, 1) for one in known)
                found.append(PoolSize(server, tier, pool, len(known), math.ceil(max(known.values())), each))
    return found


def _configured(knobs: Mapping[str, Any]) -> list[PoolSize]:
    size, many = knobs.get("api.pool_size"), knobs.get("api.instances")
    if not size or not many:
        return []
    return [PoolSize(server, "api", server, int(many), int(size)) for server in SERVERS]


def warnings(found: Sequence[Connections]) -> tuple[str, ...]:
    """What does not add up, or was not checked, of all servers."""
    return tuple(text for one in found for text in one.warnings)
