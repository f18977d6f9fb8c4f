"""Connection arithmetic: instances x workers x pool against what each server accepts."""

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
    """The connections that one tier's processes may open to one server."""

    server: str
    tier: str
    pool: str
    instances: int
    workers: int
    size: int

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
    """Connection arithmetic of one server. `spare` is kept for replication, administration and probes."""

    server: str
    pools: tuple[PoolSize, ...]
    max_connections: int
    spare: int = 5

    @property
    def most(self) -> int:
        """All that the pools may open together."""
        return sum(pool.most for pool in self.pools)

    @property
    def sum_words(self) -> str:
        """How it adds up."""
        return " + ".join(f"{p.name} {p.instances} x {p.workers} x {p.size}" for p in self.pools)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What does not add up, in words."""
        limit = self.max_connections
        may = f"{self.server}: the pools may open {self.most} connections ({self.sum_words})"
        grown = sum(pool.most + pool.workers * pool.size for pool in self.pools)
        if self.most > limit:
            text = f"{may}, max_connections is {limit}: under load some are refused"
        elif self.most + self.spare > limit:
            text = f"{may} of {limit}: fewer than {self.spare} are left for replication and administration"
        elif grown > limit:
            text = f"{may}; one more instance makes that {grown} of {limit}: raise it before scaling out"
        else:
            return ()
        return (text,)


def connections(samples: Samples, knobs: Mapping[str, Any]) -> tuple[Connections, ...]:
    """The arithmetic of each database server, from what pools and servers say, else from the knobs.

    A pool belongs to the server that its name holds. Servers whose limit nobody says are left out.
    """
    pools = _watched(samples) or _configured(knobs)
    found = []
    for server in SERVERS:
        limit = samples.highest(server, "connections_max") or knobs.get("db.max_connections")
        own = tuple(pool for pool in pools if pool.server == server)
        if limit and own:
            found.append(Connections(server, own, int(limit)))
    return tuple(found)


def _watched(samples: Samples) -> list[PoolSize]:
    found = []
    for tier in WITH_POOLS:
        for metric in sorted(samples.metrics(tier)):
            if not (metric.startswith("pool.") and metric.endswith(".max")):
                continue
            pool = metric.split(".")[1]
            sizes = [samples.highest(tier, metric, one) for one in samples.instances(tier, metric)]
            known = [size for size in sizes if size]
            if known:
                # A pool without a server's name in its own goes to the primary: writes do.
                server = next((name for name in SERVERS if name in pool), "primary")
                found.append(PoolSize(server, tier, pool, len(known), 1, math.ceil(max(known))))
    return found


def _configured(knobs: Mapping[str, Any]) -> list[PoolSize]:
    size, many = knobs.get("api.pool_size"), knobs.get("api.instances")
    if not size or not many:
        return []
    return [PoolSize(server, "api", server, int(many), 1, int(size)) for server in SERVERS]


def warnings(found: Sequence[Connections]) -> tuple[str, ...]:
    """What does not add up, of all servers."""
    return tuple(text for one in found for text in one.warnings)
