"""Resources of each tier: how full at each level, what one request takes of them, where the bound lies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from analysis.bottleneck.stretch import Stretch
from analysis.laws import Station

ONE_CORE = ("lb", "web", "api", "redis", "jobs")
"""Tiers whose processes use one core each: event loops and interpreters with one lock."""
TIER_NAMES = {
    "lb": "load balancer",
    "web": "web instances",
    "api": "API",
    "primary": "MySQL primary",
    "replica": "read replica",
    "redis": "Redis",
    "jobs": "job workers",
    "host": "host",
    "generator": "load generator",
}
QUEUE_OF = {"web": "web-queue", "api": "queue"}
"""The part of a request that is the wait for one of a tier's workers."""
WITH_POOLS = ("web", "api", "jobs")
FULL = 0.92
"""The mean utilisation from which a resource is called full."""


@dataclass(frozen=True)
class Use:
    """One resource of a tier at one level.

    `utilisation` is its mean share in use, of processes with one core each the busiest one's (None where it
    was not watched, or has no limit); `waiting` how many wait for it on average; `errors` what it refused,
    dropped or failed; `servers` how many work at once in all of its `instances` (infinite without a limit);
    `demand_s` seconds of it that an arrival takes, `by_process` of each process where there are several.
    """

    tier: str
    resource: str
    utilisation: float | None
    servers: float
    demand_s: float
    waiting: float = 0.0
    errors: float = 0.0
    instances: int = 1
    by_process: Mapping[str, float] = field(default_factory=dict)

    @property
    def full(self) -> bool:
        """Whether it is at its limit."""
        return self.utilisation is not None and self.utilisation >= FULL

    @property
    def is_pool(self) -> bool:
        """Whether it is a pool of connections."""
        return self.resource.endswith(" pool")

    @property
    def each(self) -> int:
        """Its size in one instance."""
        return max(round(self.servers / self.instances), 1)

    @property
    def limits(self) -> bool:
        """Whether it bounds the rate: what an arrival takes of it is known, and how much there is."""
        return self.demand_s > 0 and math.isfinite(self.servers)

    @property
    def name(self) -> str:
        """Tier and resource in words."""
        return f"{TIER_NAMES.get(self.tier, self.tier)} {self.resource}"


def possessive(tier: str) -> str:
    """A tier's name before what it has: "the API's", "the web instances'"."""
    name = TIER_NAMES[tier]
    return f"the {name}'" if name.endswith("s") and tier != "redis" else f"the {name}'s"


def uses(stretch: Stretch) -> list[Use]:
    """Every limited resource that was watched, tier by tier. Empty without finished arrivals."""
    if stretch.finished_per_s <= 0:
        return []
    pools = [_pool(stretch, tier, name) for tier in WITH_POOLS for name in pool_names(stretch, tier)]
    workers = [_workers(stretch, tier) for tier in QUEUE_OF]
    cpus = [_process_cpu(stretch, tier) for tier in (*ONE_CORE, "primary", "replica", "generator")]
    connections = [_connections(stretch, tier) for tier in ("primary", "replica", "redis")]
    lb = [*_frontends(stretch), *_backends(stretch)]
    found = [*pools, *workers, *cpus, _host(stretch), *connections, _row_locks(stretch), *lb]
    return [use for use in found if use is not None]


def pool_names(stretch: Stretch, tier: str = "api") -> list[str]:
    """Names of a tier's connection pools."""
    return sorted({m.split(".")[1] for m in stretch.samples.metrics(tier) if m.startswith("pool.")})


def _sizes(stretch: Stretch, tier: str, metric: str) -> list[float]:
    """The highest value of each instance that has any."""
    samples = stretch.samples
    found = [samples.highest(tier, metric, one) for one in samples.instances(tier, metric)]
    return [size for size in found if size]


def _pool(stretch: Stretch, tier: str, pool: str) -> Use | None:
    samples, name = stretch.samples, f"pool.{pool}"
    sizes = _sizes(stretch, tier, f"{name}.max")
    if not sizes:
        return None
    instances = max(len(samples.instances(tier, f"{name}.used")), 1)
    looked = (samples.mean(tier, f"{name}.used") or 0.0) * instances
    # The counter of held seconds misses nothing, but only counts a connection when it is given back; the
    # gauge is one look a second.
    held = samples.increase(tier, f"{name}.use_seconds") or 0.0
    busy = max(held / stretch.seconds, looked)
    waited = samples.increase(tier, f"{name}.wait_seconds") or 0.0
    pending = (samples.mean(tier, f"{name}.pending") or 0.0) * instances
    return Use(
        tier=tier,
        resource=f"{pool} pool",
        utilisation=min(busy / sum(sizes), 1.0),
        servers=sum(sizes),
        demand_s=busy / stretch.finished_per_s,
        waiting=max(waited / stretch.seconds, pending),
        errors=samples.increase(tier, f"{name}.timeouts") or 0.0,
        instances=len(sizes),
    )


def _workers(stretch: Stretch, tier: str) -> Use | None:
    samples = stretch.samples
    sizes, used = _sizes(stretch, tier, "workers.max"), samples.mean(tier, "workers.used")
    if not sizes or used is None:
        return None
    many = len(samples.instances(tier, "workers.used"))
    busy, waiting = used * many, (samples.mean(tier, "workers.pending") or 0.0) * many
    return Use(
        tier=tier,
        resource="workers",
        utilisation=busy / sum(sizes),
        servers=sum(sizes),
        demand_s=busy / stretch.finished_per_s,
        waiting=waiting,
        instances=len(sizes),
    )


def _process_cpu(stretch: Stretch, tier: str) -> Use | None:
    samples = stretch.samples
    instances = samples.instances(tier, "cpu_ratio")
    one_core = tier in (*ONE_CORE, "generator")
    cores = float(len(instances)) if one_core else samples.highest("host", "cpus")
    if not instances or not cores:
        return None
    used = {one: samples.mean(tier, "cpu_ratio", one) or 0.0 for one in instances}
    demands = {one: ratio / stretch.finished_per_s for one, ratio in used.items()}
    return Use(
        tier=tier,
        resource="CPU",
        utilisation=max(used.values()) if one_core else sum(used.values()) / cores,
        servers=cores,
        demand_s=sum(demands.values()),
        instances=len(used),
        by_process=demands if len(used) > 1 else {},
    )


def _host(stretch: Stretch) -> Use | None:
    busy, cores = stretch.samples.mean("host", "cpu_ratio"), stretch.samples.highest("host", "cpus")
    if busy is None or not cores:
        return None
    # What others do on the machine is no demand of the requests.
    used = sum(processes(stretch).values()) or busy * cores
    return Use("host", "CPU", busy, cores, used / stretch.finished_per_s)


def processes(stretch: Stretch) -> dict[str, float]:
    """CPU cores by process of the system and of the generators, `tier/instance`."""
    samples = stretch.samples
    return {
        f"{tier}/{one}": samples.mean(tier, "cpu_ratio", one) or 0.0
        for tier in samples.tiers
        if tier not in ("host", "probes")
        for one in samples.instances(tier, "cpu_ratio")
    }


def _connections(stretch: Stretch, tier: str) -> Use | None:
    samples = stretch.samples
    metric, refused = ("clients", "rejected") if tier == "redis" else ("connections", "refused_connections")
    open_now, most = samples.mean(tier, metric), samples.highest(tier, f"{metric}_max")
    if open_now is None or not most:
        return None
    # Open connections are not a demand: they wait idle in pools.
    errors = samples.increase(tier, refused) or 0.0
    return Use(tier, "connections", open_now / most, most, float("nan"), 0.0, errors)


def _frontends(stretch: Stretch) -> list[Use]:
    samples, found = stretch.samples, []
    for name in samples.instances("lb", "sessions_limit"):
        now, most = samples.mean("lb", "sessions", name), samples.highest("lb", "sessions_limit", name)
        if name.startswith("frontend/") and now is not None and most:
            found.append(Use("lb", f"connections of {name}", now / most, most, float("nan")))
    return found


def _backends(stretch: Stretch) -> list[Use]:
    """The servers of each backend: what waits in the load balancer for one, and what failed at them."""
    samples, found = stretch.samples, []
    for name in samples.instances("lb", "queue"):
        kind, _, backend = name.partition("/")
        if kind != "backend":
            continue
        limited = [one for one in samples.instances("lb", "sessions_limit") if one.startswith(f"{backend}/")]
        most = sum(samples.highest("lb", "sessions_limit", one) or 0.0 for one in limited)
        now = sum(samples.mean("lb", "sessions", one) or 0.0 for one in limited)
        failed = sum(samples.increase("lb", metric, name) or 0.0 for metric in ("errors_5xx", "retries"))
        waiting = samples.mean("lb", "queue", name) or 0.0
        share, servers = (now / most, most) if most else (None, math.inf)
        found.append(Use("lb", f"servers of {backend}", share, servers, float("nan"), waiting, failed))
    return found


def row_lock_sessions(stretch: Stretch) -> float | None:
    """How many of the primary's sessions wait for a row lock on average; None where it was not watched.

    Time is counted as a wait ends; what still waits only a look at this moment sees.
    """
    waited_ms = stretch.samples.increase("primary", "row_lock_time_ms")
    now = stretch.samples.mean("primary", "row_lock_current_waits")
    if waited_ms is None and now is None:
        return None
    return max((waited_ms or 0.0) / 1e3 / stretch.seconds, now or 0.0)


def _row_locks(stretch: Stretch) -> Use | None:
    """Waiting for row locks, in lock-seconds an arrival: any number of rows may be locked at once."""
    waiting = row_lock_sessions(stretch)
    if waiting is None:
        return None
    demand_s = waiting / stretch.finished_per_s
    deadlocks = stretch.samples.increase("primary", "deadlocks") or 0.0
    return Use("primary", "row locks", None, math.inf, demand_s, waiting, deadlocks)


def stations(stretch: Stretch) -> list[Station]:
    """The resources as stations of a queueing network, for bounds and what-ifs."""
    return [
        Station(one.name, one.demand_s, max(round(one.servers), 1))
        for one in uses(stretch)
        if one.limits and one.tier != "generator"
    ]
