"""Bottlenecks that are a full resource: pools, workers, CPU, connections."""

from __future__ import annotations

from functools import partial

import numpy as np

from analysis.bottleneck.finding import Bottleneck, Evidence
from analysis.bottleneck.look import Look, ramp
from analysis.bottleneck.resources import (
    ONE_CORE,
    QUEUE_OF,
    TIER_NAMES,
    WITH_POOLS,
    Use,
    pool_names,
    possessive,
)
from analysis.waits import wait_buckets, wait_quantile_ms
from results.units import show_latency, three_digits

QUEUES = frozenset({"api-workers", "web-workers", "lb-queue", "lb-maxconn"})
"""What fills up in front of anything that is slow."""
BEHIND_DATABASE = QUEUES | {"api-pool", "host-cpu", "primary-cpu", "replica-cpu", "api-cpu"}
"""What a database that is asked too much, or answers late, fills up or keeps busy."""
OTHERS_SHARE = 0.4
"""From this share of the used CPU on, the machine's work is counted as that of others."""


def pools(look: Look) -> list[Bottleneck]:
    """Connection pools whose callers wait."""
    found = [_pool(look, tier, pool) for tier in WITH_POOLS for pool in pool_names(look.at, tier)]
    return [one for one in found if one is not None]


def _pool(look: Look, tier: str, pool: str) -> Bottleneck | None:
    use, name = look.use(tier, f"{pool} pool"), f"pool.{pool}"
    if use is None or use.utilisation is None:
        return None
    # An instance's own pool is full long before the sum of all is.
    each = 0.98 * use.servers / max(len(look.at.samples.instances(tier, f"{name}.max")), 1)
    full = look.often(tier, f"{name}.used", partial(np.less_equal, each))
    strength = max(ramp(use.waiting, 0.3, 2.0), ramp(full, 0.3, 0.9))
    strength *= ramp(max(full, use.utilisation), 0.3, 0.7)
    strength = max(strength, 1.0 if use.errors else 0.0)
    # A pool that is full without anybody waiting is only well used.
    if strength < 0.3 or use.waiting < 0.2:
        return None
    since = look.full_from(tier, use.resource)
    text = f"{_of(use)} in use {since}, {three_digits(use.waiting)} waiting, {_waits(look, tier, name)}"
    evidence = [Evidence(text, tier, "", f"{name}.used")]
    if use.errors:
        evidence.append(Evidence(f"{use.errors:.0f} timeouts", tier, "", f"{name}.timeouts"))
    held = f"an arrival holds one for {show_latency(use.demand_s * 1e6)}"
    evidence.append(Evidence(held, tier, "", f"{name}.use_seconds"))
    database = look.use("replica" if "replica" in pool else "primary", "CPU")
    if database is not None and database.utilisation is not None and database.utilisation < 0.7:
        idle = f"MySQL itself is at {database.utilisation:.0%} CPU"
        evidence.append(Evidence(idle, database.tier, "", "cpu_ratio"))
    return Bottleneck(
        code=f"{tier}-pool", tier=tier, name=f"{possessive(tier)} {pool} pool",
        resource=f"{TIER_NAMES[tier]} connection pool ({pool})", strength=strength,
        evidence=tuple(evidence), utilisation=use.utilisation, component="pool",
        share_of_added=look.share("pool"), explains=QUEUES,
        use=use.name,
        advice="give the pool more connections, or hold each for a shorter time",
    )  # fmt: skip


def _waits(look: Look, tier: str, name: str) -> str:
    """How long callers of a pool waited: the p99 by its histogram, the longest where it keeps none."""
    waits, waited = look.per_s(tier, f"{name}.wait_count"), look.per_s(tier, f"{name}.wait_seconds")
    mean = show_latency(waited / waits * 1e6 if waits else float("nan"))
    p99_ms = wait_quantile_ms(*wait_buckets(look.at.samples, tier, name), 0.99)
    longest_ms = look.longest_ms("pool")
    if p99_ms is not None:
        # Within a bucket it is a guess: it is no more than the longest that any request waited.
        return f"wait p99 {show_latency(min(p99_ms, longest_ms or p99_ms) * 1e3)}, mean {mean}"
    longest = f", the longest {show_latency(longest_ms * 1e3)}" if longest_ms else ""
    return f"mean wait {mean}{longest}"


def _of(use: Use) -> str:
    return f"{three_digits((use.utilisation or 0.0) * use.servers)} of {use.servers:.0f}"


def workers(look: Look) -> list[Bottleneck]:
    """All requests slots of an instance taken, others waiting in line."""
    found = []
    for tier, queue in QUEUE_OF.items():
        use = look.use(tier, "workers")
        if use is None or use.utilisation is None:
            continue
        strength = ramp(use.waiting, 0.3, 2.0) * ramp(use.utilisation, 0.5, 0.85)
        if strength < 0.3:
            continue
        text = (
            f"{_of(use)} busy {look.full_from(tier, use.resource)}, "
            f"{three_digits(use.waiting)} waiting, {show_latency(look.component_ms(queue) * 1e3)} a request"
        )
        found.append(
            Bottleneck(
                code=f"{tier}-workers", tier=tier, name=f"{possessive(tier)} workers",
                resource=f"{TIER_NAMES[tier]} workers", strength=strength,
                evidence=(Evidence(text, tier, "", "workers.used"),), utilisation=use.utilisation,
                component=queue, share_of_added=look.share(queue), use=use.name,
                advice=f"let the {TIER_NAMES[tier]} work on more requests at a time, or add an instance",
                explains=frozenset({"lb-queue", "lb-maxconn", "web-workers"} - {f"{tier}-workers"}),
            )
        )  # fmt: skip
    return found


def process_cpu(look: Look) -> list[Bottleneck]:
    """A process that can use one core and uses it up."""
    found = []
    for tier in ONE_CORE:
        samples = look.at.samples
        cores = {
            one: samples.mean(tier, "cpu_ratio", one) or 0.0 for one in samples.instances(tier, "cpu_ratio")
        }
        if not cores:
            continue
        busiest = max(cores, key=lambda one: cores[one])
        strength = ramp(cores[busiest], 0.8, 0.95)
        if strength <= 0.3:
            continue
        use = look.use(tier, "CPU")
        text = f"{busiest} uses {cores[busiest]:.0%} of the one core it can use at {look.at.name}"
        if use is not None:
            text += f", {show_latency(use.demand_s * 1e6)} CPU a request"
        # What fills up in front of it, its own workers too; no request waits for a job.
        waiting = {"jobs-blocked"} if tier == "jobs" else QUEUES | {"api-pool", "web-pool"}
        found.append(
            Bottleneck(
                code=f"{tier}-cpu", tier=tier, name=f"{possessive(tier)} CPU",
                resource=f"{TIER_NAMES[tier]} CPU", strength=strength, use=f"{TIER_NAMES[tier]} CPU",
                evidence=(Evidence(text, tier, busiest, "cpu_ratio"),), utilisation=cores[busiest],
                advice=f"add an instance of the {TIER_NAMES[tier]}, or spend less CPU a request",
                explains=frozenset(waiting),
            )
        )  # fmt: skip
    return found


def host_cpu(look: Look) -> list[Bottleneck]:
    """The machine's CPU, with the process that used it."""
    use = look.use("host", "CPU")
    if use is None or use.utilisation is None or use.utilisation < 0.85:
        return []
    cores = use.utilisation * use.servers
    known = sum(look.processes.values())
    by_use = sorted(look.processes.items(), key=lambda one: -one[1])[:3]
    evidence = [
        Evidence(
            f"{use.utilisation:.0%} of {use.servers:.0f} cores busy at {look.at.name}",
            "host",
            "host",
            "cpu_ratio",
        )
    ]
    if by_use:
        said = ", ".join(f"{name} {share:.2f}" for name, share in by_use)
        evidence.append(Evidence(f"cores by process: {said}", by_use[0][0].split("/")[0], "", "cpu_ratio"))
    name = "the host's CPU"
    if by_use and known >= 0.5 * cores:
        name = f"the host's CPU, used by {by_use[0][0].split('/')[-1]},"
    outside = cores - known
    others = outside > OTHERS_SHARE * cores
    if others and not look.at.missed:
        return []  # somebody else's work, and it does no harm
    if others:
        text = f"{outside:.1f} cores went to processes that are no part of the system"
        evidence.append(Evidence(text, "host", "host", "cpu_ratio"))
    return [
        Bottleneck(
            code="host-cpu", tier="host", name=name, resource="Host CPU", use=use.name,
            # What others do explains nothing of the system, and is named where nothing else is found.
            strength=ramp(use.utilisation, 0.8, 0.97) * (0.4 if others else 1.0),
            evidence=tuple(evidence), utilisation=use.utilisation,
            advice="run it again while nothing else runs on the machine" if others
            else "put the tiers on machines of their own, or spend less CPU a request",
            explains=frozenset() if others
            else QUEUES | {f"{tier}-cpu" for tier in ONE_CORE} | {"api-pool"},
        )
    ]  # fmt: skip


def database_cpu(look: Look) -> list[Bottleneck]:
    """A database server that keeps most of the machine busy."""
    found = []
    for tier in ("primary", "replica"):
        use = look.use(tier, "CPU")
        if use is None or use.utilisation is None or use.utilisation < 0.6:
            continue
        cost = show_latency(use.demand_s * 1e6)
        text = f"{use.utilisation:.0%} of {use.servers:.0f} cores at {look.at.name}, {cost} a request"
        found.append(
            Bottleneck(
                code=f"{tier}-cpu", tier=tier, name=f"{possessive(tier)} CPU",
                resource=f"{TIER_NAMES[tier]} CPU", strength=ramp(use.utilisation, 0.5, 0.85), use=use.name,
                evidence=(Evidence(text, tier, tier, "cpu_ratio"),), utilisation=use.utilisation,
                component="db", share_of_added=look.share("db"),
                advice="cache or index the costliest statements",
                explains=QUEUES | {"api-pool", "host-cpu"},
            )
        )  # fmt: skip
    return found


def refused_connections(look: Look) -> list[Bottleneck]:
    """A server that refuses connections: max_connections reached."""
    found = []
    for tier in ("primary", "replica", "redis"):
        use = look.use(tier, "connections")
        if use is None:
            continue
        metric = "rejected" if tier == "redis" else "refused_connections"
        text = f"{use.errors:.0f} connections refused at {look.at.name}, limit {use.servers:.0f}"
        if not use.errors:
            # All taken, and some were refused before: the next one is refused as well.
            before = max((float(s.values[-1]) for s in look.at.samples.raw(tier, metric)), default=0.0)
            if not before or (use.utilisation or 0.0) < 0.99:
                continue
            text = f"all {use.servers:.0f} connections are taken at {look.at.name}, {before:.0f} were refused"
        setting = "maxclients" if tier == "redis" else "max_connections"
        found.append(
            Bottleneck(
                code="max-connections", tier=tier, name=f"{possessive(tier)} {setting}",
                resource=f"{TIER_NAMES[tier]} {setting}", strength=1.0 if use.errors else 0.6, use=use.name,
                evidence=(Evidence(text, tier, tier, metric),), utilisation=use.utilisation,
                advice=f"raise {setting}, or make the pools smaller: instances x workers x pool has to fit",
                explains=QUEUES | {"api-pool", "jobs-blocked", "web-slow"},
            )
        )  # fmt: skip
    return found
