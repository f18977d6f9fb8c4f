"""Causes in the databases: a missing index, a hot row, replication."""

from __future__ import annotations

from analysis.bottleneck.finding import Bottleneck, Evidence
from analysis.bottleneck.look import Look, ramp
from analysis.bottleneck.resources import TIER_NAMES, row_lock_sessions
from analysis.bottleneck.rules_resources import BEHIND_DATABASE, QUEUES
from results import Digest
from results.units import show_latency, three_digits


def missing_index(look: Look) -> list[Bottleneck]:
    """Statements that read far more rows than they return, and keep the database at work."""
    total_us = sum(digest.total_us for digest in look.digests)
    wasteful = [digest for digest in look.digests if _wasteful(digest)]
    wasted_us = sum(digest.total_us for digest in wasteful)
    # A server whose timers are off counts statements and no time.
    if not wasted_us or not look.arrivals:
        return []
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


def hot_row(look: Look) -> list[Bottleneck]:
    """Sessions that wait for each other's row locks."""
    waiting = row_lock_sessions(look.at) or 0.0
    waits = look.per_s("primary", "row_lock_waits")
    strength = ramp(waiting, 0.3, 1.5)
    if strength < 0.3:
        return []
    text = (
        f"{three_digits(waiting)} sessions wait for a row lock on average, "
        f"{three_digits(waits)} waits a second"
    )
    if look.at.finished_per_s > 0:
        text += f", {show_latency(waiting / look.at.finished_per_s * 1e6)} an arrival"
    evidence = [Evidence(text, "primary", "primary", "row_lock_time_ms")]
    deadlocks = look.at.samples.increase("primary", "deadlocks")
    if deadlocks:
        evidence.append(Evidence(f"{deadlocks:.0f} deadlocks", "primary", "primary", "deadlocks"))
    return [
        Bottleneck(
            code="hot-row", tier="primary", name="a row that everyone writes", resource="Row locks",
            strength=strength, evidence=tuple(evidence), component="db", share_of_added=look.share("db"),
            use=f"{TIER_NAMES['primary']} row locks",
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
