"""Causes in front of the data: instances that are down or slow, the load balancer's limits, blocked jobs."""

from __future__ import annotations

import numpy as np

from analysis.bottleneck.finding import Bottleneck, Evidence
from analysis.bottleneck.look import Look, ramp
from analysis.bottleneck.resources import TIER_NAMES
from analysis.bottleneck.rules_resources import QUEUES
from results.units import three_digits


def instance_down(look: Look) -> list[Bottleneck]:
    """A server that the load balancer has taken out, or whose process is gone."""
    found = []
    for server in look.at.samples.instances("lb", "up"):
        if "/" not in server or server.startswith(("frontend/", "backend/")):
            continue
        series = look.at.samples.get("lb", server, "up")
        values = look.at.samples.within(series) if series is not None else np.empty(0)
        down = float(np.mean(values < 0.5)) if values.size else 0.0
        if not down:
            continue
        tier, instance = server.split("/", 1)
        evidence = [
            Evidence(f"{instance} was down for {down:.0%} of the level at {look.at.name}", "lb", server, "up")
        ]
        for metric in ("redispatches", "retries", "errors_5xx"):
            grown = look.at.samples.increase("lb", metric, f"backend/{tier}")
            if grown:
                evidence.append(
                    Evidence(f"{grown:.0f} {metric.replace('_', ' ')}", "lb", f"backend/{tier}", metric)
                )
        found.append(
            Bottleneck(
                code=f"{tier}-down", tier=tier, name=instance, resource=f"{instance} is down",
                strength=1.0, evidence=tuple(evidence),
                advice=f"start {instance} again: what is left of its tier carries all of the load",
                explains=QUEUES | {f"{tier}-slow", f"{tier}-cpu", "jobs-blocked"},
            )
        )  # fmt: skip
    return found


def instance_slow(look: Look) -> list[Bottleneck]:
    """One server of a backend that answers far later than its neighbours."""
    samples, found = look.at.samples, []
    backends = sorted({s.split("/")[0] for s in samples.instances("lb", "up") if "/" in s})
    for backend in backends:
        servers = [s for s in samples.instances("lb", "response_time_ms") if s.startswith(f"{backend}/")]
        served = {s: samples.increase("lb", "requests", s) or 0.0 for s in servers}
        times = {s: samples.mean("lb", "response_time_ms", s) or 0.0 for s in servers if served[s]}
        if len(times) < 2:
            continue
        slowest = max(times, key=lambda s: times[s])
        others = float(np.median([time for s, time in times.items() if s != slowest]))
        strength = ramp(times[slowest] / max(others, 1.0), 1.8, 3.0) * ramp(times[slowest] - others, 8, 30)
        if strength < 0.3:
            continue
        name = slowest.split("/", 1)[1]
        text = (
            f"{name} answers in {times[slowest]:.0f} ms on average, the others in {others:.0f} ms, "
            f"with {served[slowest] / max(sum(served.values()), 1):.0%} of the requests"
        )
        found.append(
            Bottleneck(
                code=f"{backend}-slow", tier=backend, name=f"{name}, slower than its neighbours,",
                resource=f"{name} is slow", strength=strength,
                evidence=(Evidence(text, "lb", slowest, "response_time_ms"),),
                component="elsewhere", share_of_added=None,
                advice=f"look at the machine of {name}; send it fewer requests (leastconn) until then",
                explains=QUEUES,
            )
        )  # fmt: skip
    return found


def load_balancer(look: Look) -> list[Bottleneck]:
    """The load balancer's own limits: connections it accepts, requests it sends to a server at a time."""
    samples, found = look.at.samples, []
    for name in samples.instances("lb", "sessions_limit"):
        limit = samples.highest("lb", "sessions_limit", name) or 0.0
        series = samples.get("lb", name, "sessions")
        if not name.startswith("frontend/") or not limit or series is None:
            continue
        values = look.at.samples.within(series)
        full = float(np.mean(values >= 0.98 * limit)) if values.size else 0.0
        if full >= 0.3:
            text = (
                f"{name.removeprefix('frontend/')} holds {limit:.0f} of {limit:.0f} connections "
                f"in {full:.0%} of the seconds at {look.at.name}"
            )
            found.append(
                Bottleneck(
                    code="lb-maxconn", tier="lb", name="the load balancer's maxconn",
                    resource="Load balancer maxconn", strength=ramp(full, 0.2, 0.6),
                    evidence=(Evidence(text, "lb", name, "sessions"),), utilisation=full,
                    component="elsewhere", share_of_added=look.share("elsewhere"),
                    use=f"{TIER_NAMES['lb']} connections of {name}",
                    advice="raise maxconn: connections beyond it wait where nothing sees them",
                )
            )  # fmt: skip
    for name in samples.instances("lb", "queue"):
        waiting = samples.mean("lb", "queue", name) or 0.0
        if name.startswith("backend/") and waiting > 0.5:
            text = (
                f"{three_digits(waiting)} requests wait for a server of {name.removeprefix('backend/')} "
                f"at {look.at.name}"
            )
            found.append(
                Bottleneck(
                    code="lb-queue", tier="lb", name="the servers' maxconn at the load balancer",
                    resource="Load balancer queue", strength=ramp(waiting, 0.3, 3.0),
                    evidence=(Evidence(text, "lb", name, "queue"),), component="lb queue",
                    share_of_added=look.share("lb queue"),
                    use=f"{TIER_NAMES['lb']} servers of {name.removeprefix('backend/')}",
                    advice="see why the servers behind are slow, then raise their maxconn",
                )
            )  # fmt: skip
    return found


def job_queue(look: Look) -> list[Bottleneck]:
    """A job queue that grows, or workers that are there and answer nobody."""
    samples, found = look.at.samples, []
    alive = set(samples.instances("jobs", "cpu_ratio"))
    for instance, share in look.silent("jobs").items():
        idle = (samples.mean("jobs", "cpu_ratio", instance) or 0.0) < 0.02
        if share >= 0.5 and instance in alive and idle:
            text = f"{instance} answers nobody though its process is there, using no CPU"
            found.append(_blocked(1.0, Evidence(text, "jobs", instance, "cpu_ratio")))
    queued = samples.all("jobs", "jobs.queued")
    lengths = [look.at.samples.within(one) for one in queued]
    length = max(lengths, key=lambda values: float(values[-1]) if values.size else 0.0, default=np.empty(0))
    if length.size >= 3:
        grown = float(length[-1] - length[0])
        done = look.per_s("jobs", "jobs.done")
        strength = ramp(grown / look.at.seconds, 0.3, 2.0) * ramp(float(length[-1]), 10, 30)
        if strength >= 0.3:
            text = (
                f"{length[-1]:.0f} jobs wait, {grown / look.at.seconds:.1f} more each second; "
                f"{done:.1f} are done a second"
            )
            found.append(_blocked(strength, Evidence(text, "jobs", "", "jobs.queued")))
    return found[:1]


def _blocked(strength: float, evidence: Evidence) -> Bottleneck:
    return Bottleneck(
        code="jobs-blocked", tier="jobs", name="the job queue", resource="Background jobs",
        strength=strength, evidence=(evidence,), advice="start more job workers, or see what holds them up",
    )  # fmt: skip
