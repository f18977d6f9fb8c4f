"""The load generator as what gives way."""

from __future__ import annotations

import math

from analysis.bottleneck.finding import Bottleneck, Evidence
from analysis.bottleneck.look import Look
from analysis.generators import Generators, grown, lateness_us
from analysis.samples import HALF_S
from analysis.validity import MOST_LOOP_LAG_US, Reason, own_limits
from results.units import show_latency


def generator(look: Look) -> list[Bottleneck]:
    """The load generator at its own limit: then nothing can be claimed about the system.

    Busy, or out of ports or files, is at its limit; late is so only where its lateness is no small part of
    the times that it measured.
    """
    seen, exhausted = _generators(look), _exhausted(look)
    said = [
        Evidence(f"{one} uses {cpu:.0%} of its core", "generator", one, "cpu_ratio")
        for one, cpu in seen.busy.items()
    ]
    said += [Evidence(reason.text, "generator") for reason in exhausted]
    stalled = look.often("generator", "loop_lag_us", lambda lag: lag > MOST_LOOP_LAG_US)
    if stalled > 0.2:
        text = f"its event loop lagged over {show_latency(MOST_LOOP_LAG_US)} in {stalled:.0%} of the seconds"
        said.append(Evidence(text, "generator", "", "loop_lag_us"))
    if seen.late:
        said.append(Evidence(f"users woke up {show_latency(seen.late_us)} late (p99)", "generator"))
    if not said:
        return []
    if seen.starved:
        text = f"it waits for CPU itself: {seen.host_ratio:.0%} of the machine is busy"
        said.append(Evidence(text, "host", "host", "cpu_ratio"))
    limit = seen.busy or exhausted or seen.blur(look.at.response.quantile_us(0.99))
    return [
        Bottleneck(
            code="generator", tier="generator", name="the load generator", resource="Load generator",
            strength=1.0 if limit else 0.2, evidence=tuple(said),
            advice=_advice(seen, exhausted),
        )
    ]  # fmt: skip


def _advice(seen: Generators, exhausted: list[Reason]) -> str:
    if exhausted and not seen.busy:
        return exhausted[0].advice
    if seen.starved:
        return "make the load on another machine, or run while nothing else does"
    return "use --processes, or make the load on another machine"


def _exhausted(look: Look) -> list[Reason]:
    """Files and network errors of the generators' own machine at the level judged."""
    samples, begin_s = look.at.samples, look.at.from_s + HALF_S
    counts = {one.instance: one for one in samples.raw("generator", "own_faults")}
    found = []
    for name in samples.instances("generator"):
        files = samples.highest("generator", "fds", name) or 0.0
        allowed = samples.highest("generator", "fds_limit", name) or math.inf
        faults = 0.0
        if name in counts:
            before = counts[name].between(0, begin_s).values.tolist()
            faults = grown(before, samples.within(counts[name]).tolist())
        found += own_limits(name, files, allowed, faults)
    return found


def _generators(look: Look) -> Generators:
    host = look.use("host", "CPU")
    own = {name.split("/")[1]: cpu for name, cpu in look.processes.items() if name.startswith("generator/")}
    return Generators(own, host.utilisation if host is not None else None, lateness_us(look.at.flows))
