"""Resources of each tier: how full at each level, what one request takes of them, where the bound lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.bottleneck.stretch import Stretch
from analysis.laws import LittleCheck, Station

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
SEVERAL = 1.1
"""Requests an arrival from which they may go at the same time, as a batch's do: then times do not add up."""
FULL = 0.92
"""The mean utilisation from which a resource is called full."""


@dataclass(frozen=True)
class Use:
    """One resource of a tier at one level.

    `utilisation` is its mean share in use (None where it was not watched); `waiting` how many wait for it
    on average; `errors` what it refused or dropped; `servers` how many work at once; `demand_s` seconds of
    it that an arrival takes.
    """

    tier: str
    resource: str
    utilisation: float | None
    servers: float
    demand_s: float
    waiting: float = 0.0
    errors: float = 0.0

    @property
    def full(self) -> bool:
        """Whether it is at its limit."""
        return self.utilisation is not None and self.utilisation >= FULL

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
    found = [*pools, *workers, *cpus, _host(stretch), *connections, *_frontends(stretch)]
    return [use for use in found if use is not None]


def pool_names(stretch: Stretch, tier: str = "api") -> list[str]:
    """Names of a tier's connection pools."""
    return sorted({m.split(".")[1] for m in stretch.samples.metrics(tier) if m.startswith("pool.")})


def _total(stretch: Stretch, tier: str, metric: str) -> float:
    """The highest value of each instance, added up."""
    samples = stretch.samples
    return sum(samples.highest(tier, metric, one) or 0.0 for one in samples.instances(tier, metric))


def _pool(stretch: Stretch, tier: str, pool: str) -> Use | None:
    samples, name = stretch.samples, f"pool.{pool}"
    size = _total(stretch, tier, f"{name}.max")
    if not size:
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
        utilisation=min(busy / size, 1.0),
        servers=size,
        demand_s=busy / stretch.finished_per_s,
        waiting=max(waited / stretch.seconds, pending),
        errors=samples.increase(tier, f"{name}.timeouts") or 0.0,
    )


def _workers(stretch: Stretch, tier: str) -> Use | None:
    samples = stretch.samples
    size, used = _total(stretch, tier, "workers.max"), samples.mean(tier, "workers.used")
    if not size or used is None:
        return None
    instances = len(samples.instances(tier, "workers.used"))
    busy, waiting = used * instances, (samples.mean(tier, "workers.pending") or 0.0) * instances
    return Use(tier, "workers", busy / size, size, busy / stretch.finished_per_s, waiting)


def _process_cpu(stretch: Stretch, tier: str) -> Use | None:
    samples = stretch.samples
    instances = samples.instances(tier, "cpu_ratio")
    one_core = tier in (*ONE_CORE, "generator")
    cores = float(len(instances)) if one_core else samples.highest("host", "cpus")
    if not instances or not cores:
        return None
    used = sum(samples.mean(tier, "cpu_ratio", one) or 0.0 for one in instances)
    return Use(tier, "CPU", used / cores, cores, used / stretch.finished_per_s)


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


def stations(stretch: Stretch) -> list[Station]:
    """The resources as stations of a queueing network, for bounds and what-ifs."""
    return [
        Station(one.name, one.demand_s, max(round(one.servers), 1))
        for one in uses(stretch)
        if np.isfinite(one.demand_s) and one.demand_s > 0 and one.tier != "generator"
    ]


def little(stretch: Stretch) -> LittleCheck:
    """Little's law at a level: arrivals in flight against their rate and service time.

    In flight is one look a second, so its own noise is allowed for: two standard errors of a Poisson count,
    or of what was seen, where neighbouring seconds are alike (a third of them counts).
    """
    arrivals, requests = stretch.finished_per_s * stretch.seconds, stretch.service.count
    service_s = stretch.service.mean_us / 1e6 * requests / arrivals if arrivals and requests else 0.0
    seen = np.array(list(stretch.in_flight_by_second.values()), dtype=float)
    spread = float(np.std(seen) * np.sqrt(3)) if seen.size else 0.0
    noise = 2 * max(np.sqrt(max(stretch.in_flight, 0.0)), spread) / np.sqrt(max(stretch.seconds, 1.0))
    several = requests > SEVERAL * arrivals
    return LittleCheck(stretch.in_flight, stretch.finished_per_s, service_s, float(noise), several)


@dataclass(frozen=True)
class SaturationRow:
    """One resource over all levels, for the tier x level table: one value a level, nan if not watched."""

    tier: str
    resource: str
    utilisation: tuple[float, ...]
    waiting: tuple[float, ...]
    errors: tuple[float, ...]
    demand_s: tuple[float, ...]


def saturation(levels: Sequence[Stretch]) -> list[SaturationRow]:
    """Utilisation, saturation and errors of each resource at each level, in the order of a request's way."""
    tables = [{(one.tier, one.resource): one for one in uses(level)} for level in levels]
    names = list(dict.fromkeys(name for table in tables for name in table))
    nan = float("nan")
    rows = []
    for tier, resource in sorted(names, key=lambda name: list(TIER_NAMES).index(name[0])):
        cells = [table.get((tier, resource)) for table in tables]
        rows.append(
            SaturationRow(
                tier,
                resource,
                tuple(nan if c is None or c.utilisation is None else c.utilisation for c in cells),
                tuple(nan if c is None else c.waiting for c in cells),
                tuple(nan if c is None else c.errors for c in cells),
                tuple(nan if c is None else c.demand_s for c in cells),
            )
        )
    return rows
