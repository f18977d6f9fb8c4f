"""Causes in the cache: what it evicts or lets expire too soon, a Redis that is held up by slow commands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.bottleneck.finding import Bottleneck, Evidence
from analysis.bottleneck.look import Look, ramp
from analysis.bottleneck.rules_resources import BEHIND_DATABASE, QUEUES
from analysis.bottleneck.stretch import Stretch
from results.units import show_duration, show_latency, three_digits

BLOCKING = ("blmove", "blpop", "brpop", "brpoplpush", "bzpopmin", "bzpopmax", "xread", "xreadgroup", "wait")
LONG_S, SHORT_S = 60.0, 20.0
"""How long a key stays before it is evicted. Longer: what is evicted was hardly read again. Shorter: there is
no room even for what is read now."""
FEWEST_LOOKUPS = 500
"""From so many on the share of hits is known to about two per cent points."""


def caches(look: Look) -> list[Bottleneck]:
    """A query cache that keeps little away: evicted for room, or expired before it was used again."""
    seen = _lookups(look.at)
    if seen is None:
        return []
    said = Evidence(
        f"{seen.ratio:.0%} of {seen.per_s:,.0f} lookups a second hit at {look.at.name}",
        seen.source,
        "",
        "cache.query.hits",
    )
    return [*_evictions(look, seen, said), *_expiry(look, seen, said)]


@dataclass(frozen=True)
class _Lookups:
    """How often the query cache was asked at a level, and the share that it had."""

    source: str
    total: float
    per_s: float
    ratio: float

    @property
    def misses_per_s(self) -> float:
        return self.per_s * (1 - self.ratio)


def _lookups(level: Stretch) -> _Lookups | None:
    """By the API's own count, else by Redis's; None where hardly anything was looked up."""
    for source, name in (("api", "cache.query."), ("redis", "")):
        hits, misses = (level.samples.increase(source, f"{name}{what}") or 0.0 for what in ("hits", "misses"))
        total = hits + misses
        if total > 0:
            per_s = total / level.seconds
            return _Lookups(source, total, per_s, hits / total) if per_s >= 1 else None
    return None


def _evictions(look: Look, seen: _Lookups, said: Evidence) -> list[Bottleneck]:
    """Full is what a cache of much data is meant to be: it is a cause where less is found in it than before.

    Where there is nothing to compare with, evicting is a suspicion where keys do not stay for long, and no
    reason for a busy CPU.
    """
    samples, evicted = look.at.samples, look.per_s("redis", "evictions")
    memory, most = samples.mean("redis", "memory_bytes"), samples.highest("redis", "memory_max_bytes")
    if evicted <= 0 or not most or memory is None:
        return []
    misses = max(seen.misses_per_s, 1.0)
    strength = max(ramp(evicted / misses, 0.05, 0.4), ramp(evicted, 1, 20) * ramp(1 - seen.ratio, 0.2, 0.6))
    before = _ratio_with_room(look)
    nodes = samples.instances("redis", "keys")
    stay_s = sum(samples.mean("redis", "keys", one) or 0.0 for one in nodes) / evicted
    suspicion = 0.5 * (ramp(stay_s, LONG_S, SHORT_S) if stay_s else 1.0)
    strength *= suspicion if before is None else ramp(before - seen.ratio, 0.05, 0.2)
    if strength < 0.3:
        return []
    text = (
        f"{three_digits(evicted)} keys evicted a second, "
        f"memory at {memory / most:.0%} of maxmemory ({most / 2**20:.0f} MB)"
    )
    evidence = [Evidence(text, "redis", "", "evictions"), said]
    if stay_s:
        stays = f"a key stays for {show_duration(stay_s)} before it is evicted"
        evidence.append(Evidence(stays, "redis", "", "keys"))
    if before is not None:
        evidence.append(Evidence(f"{before:.0%} hit while nothing was evicted", "redis", "", "evictions"))
    return [
        Bottleneck(
            code="redis-evictions", tier="redis", name="Redis's memory", resource="Redis memory",
            strength=strength, evidence=tuple(evidence),
            utilisation=memory / most, component="db", share_of_added=look.share("db"),
            advice="raise maxmemory, or cache less: smaller values, shorter TTLs for what few read",
            explains=(QUEUES | {"api-pool"} if before is None else BEHIND_DATABASE) | {"cold-cache"},
        )
    ]  # fmt: skip


def _ratio_with_room(look: Look) -> float | None:
    """The usual share of hits at lower levels at which hardly anything was evicted; None without one.

    Their median: the best of several differs from the next by chance alone. A few lookups, of a cache that
    has hardly begun to fill, show no share to compare with.
    """
    below = [level for level in look.levels if level.rate_per_s < look.at.rate_per_s]
    roomy = [
        level for level in below if (level.samples.increase("redis", "evictions") or 0.0) < level.seconds
    ]
    known = [seen.ratio for seen in map(_lookups, roomy) if seen is not None and seen.total >= FEWEST_LOOKUPS]
    return float(np.median(known)) if known else None


def _expiry(look: Look, seen: _Lookups, said: Evidence) -> list[Bottleneck]:
    expired, misses = look.per_s("redis", "expired"), seen.misses_per_s
    strength = ramp(1 - seen.ratio, 0.15, 0.5) * ramp(expired / max(misses, 1.0), 0.1, 0.4)
    if strength < 0.3:
        return []
    text = f"{three_digits(expired)} keys expire a second, {three_digits(misses)} are missed"
    return [
        Bottleneck(
            code="cold-cache", tier="redis", name="the query cache, which expires too soon,",
            resource="Cold cache", strength=strength,
            evidence=(said, Evidence(text, "redis", "", "expired")), component="db",
            share_of_added=look.share("db"),
            advice="keep cached answers for longer (TTL): they expire before they are read again",
            explains=BEHIND_DATABASE,
        )
    ]  # fmt: skip


def slow_redis(look: Look) -> list[Bottleneck]:
    """A command that keeps Redis, which does one at a time, from all others."""
    samples = look.at.samples
    commands = sorted(
        metric.split(".")[1]
        for metric in samples.metrics("redis")
        if metric.startswith("command.") and metric.endswith(".usec")
    )
    busy = {c: look.per_s("redis", f"command.{c}.usec") / 1e6 for c in commands if c not in BLOCKING}
    if not busy:
        return []
    worst = max(busy, key=lambda command: busy[command])
    calls = look.per_s("redis", f"command.{worst}.calls")
    each_us = busy[worst] * 1e6 / calls if calls else 0.0
    strength = ramp(each_us, 1_000, 5_000) * ramp(busy[worst], 0.05, 0.2)
    if strength < 0.3:
        return []
    text = (
        f"{worst.upper()} takes {show_latency(each_us)} a call and {busy[worst]:.0%} of Redis's time, "
        f"and Redis does one command at a time"
    )
    evidence = [Evidence(text, "redis", "", f"command.{worst}.usec")]
    cpu = look.use("redis", "CPU")
    if cpu is not None and cpu.utilisation is not None:
        evidence.append(Evidence(f"its CPU is at {cpu.utilisation:.0%}", "redis", "", "cpu_ratio"))
    return [
        Bottleneck(
            code="slow-redis", tier="redis", name="Redis, held up by slow commands,", resource="Slow Redis",
            strength=strength, evidence=tuple(evidence), component="cache",
            share_of_added=look.share("cache"),
            advice=f"find who calls {worst.upper()} on large keys; SLOWLOG GET names them",
            explains=QUEUES | {"redis-cpu", "host-cpu", "api-pool"},
        )
    ]  # fmt: skip
