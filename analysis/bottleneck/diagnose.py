"""From a run to a ranked list: the level to look at, what the rules find, what is cause and consequence."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from analysis.bottleneck import rules_cache, rules_data, rules_front, rules_generator, rules_resources
from analysis.bottleneck.finding import Bottleneck, Diagnosis
from analysis.bottleneck.in_flight import little, unsteady
from analysis.bottleneck.look import Look
from analysis.bottleneck.resize import moved
from analysis.bottleneck.resources import QUEUE_OF, processes, stations, uses
from analysis.bottleneck.stretch import Stretch, stretches
from analysis.laws import EXPLAINED, bounds
from results import Digest, Run
from results.units import show_rate, three_digits

RULES: tuple[Callable[[Look], list[Bottleneck]], ...] = (
    rules_front.instance_down,
    rules_resources.refused_connections,
    rules_data.replication,
    rules_data.hot_row,
    rules_data.missing_index,
    rules_cache.slow_redis,
    rules_cache.caches,
    rules_front.instance_slow,
    rules_resources.pools,
    rules_resources.workers,
    rules_front.load_balancer,
    rules_resources.process_cpu,
    rules_resources.database_cpu,
    rules_resources.host_cpu,
    rules_front.job_queue,
)
"""In the order in which they are believed where they are equally strong: causes before full resources."""
BROKEN = ("web-down", "api-down", "max-connections", "replica-stopped")
COUNTED = (
    *(*BROKEN, "replica-lagging", "jobs-blocked", "redis-evictions", "cold-cache"),
    *("hot-row", "missing-index", "slow-redis", "lb-maxconn"),
)
"""Causes that the servers' own counters and states tell, however late the generator was."""
LINES = ("pool", *QUEUE_OF.values())
"""Where a request waits for one of a limited number, as the parts of its time are called."""
GAIN = 1.02
"""A bound that rises by less has not moved."""
MAIN_SHARE = 0.5
"""A queue that makes up more than this of the added latency is no consequence of a busy machine."""
WATCHED = {
    "lb": "the load balancer (queues, balance, instances that are down)",
    "web": "the web instances",
    "api": "the API (connection pools, workers)",
    "primary": "the MySQL primary (locks, connections)",
    "replica": "the read replica (lag)",
    "redis": "Redis (evictions, slow commands)",
    "host": "the machine (CPU by process)",
}


@dataclass(frozen=True)
class Levels:
    """The levels of a run: the one judged, the one it is compared with, and all of them."""

    at: Stretch
    calm: Stretch
    all: tuple[Stretch, ...]


def choose(levels: Sequence[Stretch]) -> Levels | None:
    """The lowest level that missed its objectives, else the highest; compared with the calmest. None if none.

    Of levels that missed, the first one is where it gave way: further up everything is full.
    """
    served = [level for level in levels if level.response.count]
    if not served:
        return None
    missed = [level for level in served if level.missed or level.behind]
    kept = [level for level in served if level not in missed]
    # A single level that missed below one that was kept is noise, not the limit.
    lasting = [level for level in missed if not kept or level.rate_per_s >= kept[-1].rate_per_s]
    at = (lasting or missed or served[-1:])[0]
    calm = min(served, key=lambda level: level.rate_per_s)
    return Levels(at, calm, tuple(levels))


def diagnose(run: Run) -> Diagnosis:
    """What gives way first in a run, from its levels and what every tier said. Pure, reads run.db alone."""
    chosen = choose(stretches(run))
    if chosen is None:
        return Diagnosis("cannot tell", (), ("no request was answered",), "no level")
    return diagnose_levels(chosen, run.digests, run.account.finished + run.account.failed)


def diagnose_levels(levels: Levels, digests: Sequence[Digest] = (), arrivals: float = 0.0) -> Diagnosis:
    """The same for levels at hand; `arrivals` are those that ended in the time that the digests cover."""
    arrivals = arrivals or sum(one.finished_per_s * one.seconds for one in levels.all)
    look = Look(levels.at, levels.calm, digests, processes(levels.at), levels.all, arrivals)
    missing = tuple(text for tier, text in WATCHED.items() if tier not in levels.at.watched)
    found = [bottleneck for rule in RULES for bottleneck in rule(look)]
    limited = rules_generator.generator(look)
    # What is counted, such as a server that is down, is so whatever the generator did to the times.
    counted = [one for one in found if one.code in COUNTED and one.strength >= 0.5]
    if limited and limited[0].strength == 1.0 and not counted:
        return Diagnosis("generator", tuple(limited), missing, levels.at.name)
    ranked = [_with_next_limit(one, levels) for one in rank([*found, *limited])]
    if limited and not found:
        return Diagnosis("generator", tuple(limited), missing, levels.at.name)
    doubts = _doubts(levels.at)
    late = bool(levels.at.missed) or levels.at.behind
    state = "found" if ranked else "cannot tell" if late else "none"
    return Diagnosis(state, tuple(ranked), missing, levels.at.name, doubts)  # type: ignore[arg-type]


def _doubts(level: Stretch) -> tuple[str, ...]:
    """Little's law as a check: what is in flight has to be rate x time, or the level was not steady."""
    check = little(level)
    if not unsteady(check):
        return ()
    seen, expected = three_digits(check.in_system), three_digits(check.expected)
    law = f"{seen} requests in flight where rate x time makes {expected} (Little's law)"
    return (f"at {level.name} there were {law}: it was not steady, and its figures are rough",)


def rank(found: Sequence[Bottleneck]) -> list[Bottleneck]:
    """Causes first, the strongest first; then what they explain.

    One is a consequence of another that explains it and is itself no weaker guess, unless its own part of
    the added latency is the larger half: a pool of 2 is the cause even when the machine is busy as well.
    """
    explained: dict[int, str] = {}
    for number, one in enumerate(found):
        for other in found:
            if one.code in other.explains and other.strength >= 0.3 and not _stands_alone(one, other):
                explained.setdefault(number, other.code)
    marked = [replace(one, explained_by=explained.get(number, "")) for number, one in enumerate(found)]
    order = sorted(range(len(found)), key=lambda n: (bool(marked[n].explained_by), -_weight(found[n]), n))
    return [marked[n] for n in order]


def _stands_alone(one: Bottleneck, other: Bottleneck) -> bool:
    """Whether a queue is a limit of its own although the machine behind it is busy."""
    queue = one.component in LINES
    return queue and other.code.endswith("-cpu") and (one.share_of_added or 0.0) > MAIN_SHARE


def _weight(one: Bottleneck) -> float:
    """What is broken comes first; then by strength, and by how much of the latency it accounts for."""
    return (2.0 if one.code in BROKEN else 0.0) + one.strength * (1 + 0.5 * (one.share_of_added or 0.0))


def _with_next_limit(one: Bottleneck, levels: Levels) -> Bottleneck:
    """What stands next in line if a pool, or the number of workers, were twice as large: a bound by demands.

    Nothing is said where the limit that was met lies too far below the bound to be explained by it.
    """
    kept = [level for level in levels.all if level.response.count and not level.missed]
    # Demands are measured where nothing waits: under overload they hold what was waited for as well.
    measured_at = max(kept, key=lambda level: level.rate_per_s, default=levels.at)
    use = next((use for use in uses(measured_at) if use.name == one.use and use.limits), None)
    network = stations(measured_at)
    if use is None or len(network) < 2 or one.component not in LINES:
        return one
    most_per_s = bounds(network).most_per_s
    others = bounds([s for s in network if s.name != use.name])
    # Twice as many, or as many as move the limit to what stands next, whichever is less.
    enough = math.ceil(use.demand_s * others.most_per_s / use.instances) + 1
    each = min(2 * use.each, max(enough, use.each + 1))
    sizes = {use.name: each * use.instances}
    then = bounds([replace(s, servers=sizes.get(s.name, s.servers)) for s in network])
    next_name, next_per_s = then.limits_per_s[0]
    if next_per_s <= GAIN * most_per_s or levels.at.finished_per_s < EXPLAINED * most_per_s:
        return one
    return replace(one, next_limit=moved(use, each, next_name, f"{show_rate(next_per_s)} at most"))
