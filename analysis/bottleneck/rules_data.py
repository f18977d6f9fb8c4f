"""Causes in the data tiers: a missing index, a hot row, replication, a cold cache, a slow Redis."""

from __future__ import annotations

from analysis.bottleneck.finding import Bottleneck, Evidence
from analysis.bottleneck.look import Look, ramp
from analysis.bottleneck.rules_resources import QUEUES
from results import Digest
from results.units import show_latency, three_digits

BEHIND_DATABASE = QUEUES | {"api-pool", "host-cpu", "primary-cpu", "replica-cpu", "api-cpu"}
BLOCKING = ("blmove", "blpop", "brpop", "brpoplpush", "bzpopmin", "bzpopmax", "xread", "xreadgroup", "wait")


def missing_index(look: Look) -> list[Bottleneck]:
    """Statements that read far more rows than they return, and keep the database at work."""
    total_us = sum(digest.total_us for digest in look.digests)
    wasteful = [digest for digest in look.digests if _wasteful(digest)]
    if not wasteful or not look.arrivals:
        return []
    wasted_us = sum(digest.total_us for digest in wasteful)
    # The utilisation law: what an arrival takes of the database, times the rate of arrivals.
    sessions = wasted_us / 1e6 / look.arrivals * look.at.finished_per_s
    strength = ramp(sessions, 0.15, 0.6) * ramp(wasted_us / total_us, 0.2, 0.5)
    if strength < 0.3:
        return []
    worst = max(wasteful, key=lambda digest: digest.total_us)
    per_row = worst.rows_examined / max(worst.rows_sent, worst.calls)
    text = (
        f"{three_digits(sessions)} sessions are busy at {look.at.name} with statements that read far more "
        f"than they return, {wasted_us / total_us:.0%} of the databases' time; the worst reads "
        f"{per_row:,.0f} rows for each it returns ({worst.rows_examined / worst.calls:,.0f} a call): "
        f"{_short(worst.text)}"
    )
    evidence = [Evidence(text, worst.tier, worst.instance, "digest")]
    cpu = look.use(worst.tier, "CPU")
    if cpu is not None and cpu.utilisation is not None:
        text = f"the {worst.tier} is at {cpu.utilisation:.0%} CPU"
        evidence.append(Evidence(text, worst.tier, worst.instance, "cpu_ratio"))
    return [
        Bottleneck(
            code="missing-index", tier=worst.tier, name="a query without an index", resource="Missing index",
            strength=strength, evidence=tuple(evidence), component="db", share_of_added=look.share("db"),
            advice="see EXPLAIN of that statement and index what it filters and sorts by",
            explains=BEHIND_DATABASE | {"cold-cache"},
        )
    ]  # fmt: skip


def _wasteful(digest: Digest) -> bool:
    """Reads at least 50 rows for each it returns, and hundreds a call; a COUNT over few rows is no waste.

    A full-text search reads every match, and cannot be without its index.
    """
    if not digest.calls or ("AGAINST" in digest.text.upper() and not digest.no_index):
        return False
    a_call = digest.rows_examined / digest.calls
    return a_call >= 500 and digest.rows_examined >= 50 * max(digest.rows_sent, digest.calls)


def _short(sql: str, most: int = 90) -> str:
    plain = " ".join(sql.split())
    return plain if len(plain) <= most else plain[: most - 1] + "…"


def caches(look: Look) -> list[Bottleneck]:
    """A query cache that keeps little away: evicted for room, or expired before it was used again."""
    samples = look.at.samples
    hits, misses = look.per_s("api", "cache.query.hits"), look.per_s("api", "cache.query.misses")
    source = "api"
    if hits + misses <= 0:
        hits, misses, source = look.per_s("redis", "hits"), look.per_s("redis", "misses"), "redis"
    lookups = hits + misses
    if lookups < 1:
        return []
    evicted, expired = look.per_s("redis", "evictions"), look.per_s("redis", "expired")
    ratio = hits / lookups
    said = Evidence(
        f"{ratio:.0%} of {lookups:,.0f} lookups a second hit at {look.at.name}",
        source,
        "",
        "cache.query.hits",
    )
    found = []
    memory, most = samples.mean("redis", "memory_bytes"), samples.highest("redis", "memory_max_bytes")
    if evicted > 0 and most and memory is not None:
        strength = max(
            ramp(evicted / max(misses, 1.0), 0.05, 0.4), ramp(evicted, 1, 20) * ramp(1 - ratio, 0.2, 0.6)
        )
        text = (
            f"{three_digits(evicted)} keys evicted a second, "
            f"memory at {memory / most:.0%} of maxmemory ({most / 2**20:.0f} MB)"
        )
        if strength >= 0.3:
            found.append(
                Bottleneck(
                    code="redis-evictions", tier="redis", name="Redis's memory", resource="Redis memory",
                    strength=strength, evidence=(Evidence(text, "redis", "", "evictions"), said),
                    utilisation=memory / most, component="db", share_of_added=look.share("db"),
                    advice="raise maxmemory, or cache less: smaller values, shorter TTLs for what few read",
                    explains=BEHIND_DATABASE | {"cold-cache"},
                )
            )  # fmt: skip
    strength = ramp(1 - ratio, 0.15, 0.5) * ramp(expired / max(misses, 1.0), 0.1, 0.4)
    if strength >= 0.3:
        text = f"{three_digits(expired)} keys expire a second, {three_digits(misses)} are missed"
        found.append(
            Bottleneck(
                code="cold-cache", tier="redis", name="the query cache, which expires too soon,",
                resource="Cold cache", strength=strength,
                evidence=(said, Evidence(text, "redis", "", "expired")), component="db",
                share_of_added=look.share("db"),
                advice="keep cached answers for longer (TTL): they expire before they are read again",
                explains=BEHIND_DATABASE,
            )
        )  # fmt: skip
    return found


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


def hot_row(look: Look) -> list[Bottleneck]:
    """Sessions that wait for each other's row locks."""
    waiting = look.per_s("primary", "row_lock_time_ms") / 1e3
    waits = look.per_s("primary", "row_lock_waits")
    now = look.at.samples.mean("primary", "row_lock_current_waits") or 0.0
    strength = ramp(max(waiting, now), 0.3, 1.5)
    if strength < 0.3:
        return []
    text = (
        f"{three_digits(max(waiting, now))} sessions wait for a row lock on average, "
        f"{three_digits(waits)} waits a second"
    )
    if look.at.finished_per_s > 0:
        text += f", {show_latency(max(waiting, now) / look.at.finished_per_s * 1e6)} an arrival"
    evidence = [Evidence(text, "primary", "primary", "row_lock_time_ms")]
    deadlocks = look.at.samples.increase("primary", "deadlocks")
    if deadlocks:
        evidence.append(Evidence(f"{deadlocks:.0f} deadlocks", "primary", "primary", "deadlocks"))
    return [
        Bottleneck(
            code="hot-row", tier="primary", name="a row that everyone writes", resource="Row locks",
            strength=strength, evidence=tuple(evidence), component="db", share_of_added=look.share("db"),
            advice="shorten transactions, or split the row (counters per shard, added up when read)",
            explains=QUEUES | {"api-pool", "max-connections"},
        )
    ]  # fmt: skip


def replication(look: Look) -> list[Bottleneck]:
    """A replica that does not apply what the primary wrote, or applies it late."""
    samples = look.at.samples
    for metric, what in (("sql_running", "applies nothing"), ("io_running", "receives nothing")):
        stopped = look.often("replica", metric, lambda running: running < 0.5)
        if stopped >= 0.2:
            text = f"the replica {what} in {stopped:.0%} of the seconds at {look.at.name}"
            evidence = [Evidence(text, "replica", "replica", metric)]
            lag = samples.highest("replica", "lag_ms")
            if lag:
                evidence.append(
                    Evidence(f"it is {show_latency(lag * 1e3)} behind", "replica", "replica", "lag_ms")
                )
            return [
                Bottleneck(
                    code="replica-stopped", tier="replica", name="replication, which has stopped,",
                    resource="Replica stopped", strength=1.0, evidence=tuple(evidence),
                    advice="see the replica's last error, then START REPLICA",
                    explains=BEHIND_DATABASE | {"replica-lagging", "cold-cache"},
                )
            ]  # fmt: skip
    late = look.often("replica", "lag_ms", lambda lag: lag > 400)
    mean = samples.mean("replica", "lag_ms") or 0.0
    strength = ramp(late, 0.1, 0.4)
    if strength < 0.3:
        return []
    text = (
        f"the replica is {show_latency(mean * 1e3)} behind on average, "
        f"over 400 ms in {late:.0%} of the seconds"
    )
    return [
        Bottleneck(
            code="replica-lagging", tier="replica", name="the replica, which lags,", resource="Replica lag",
            strength=strength, evidence=(Evidence(text, "replica", "replica", "lag_ms"),), component="db",
            share_of_added=look.share("db"),
            advice="look for locks and long statements on the replica; parallel apply",
            explains=BEHIND_DATABASE,
        )
    ]  # fmt: skip
