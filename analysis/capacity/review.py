"""The whole capacity answer from run.db: how much, what gives way first, until when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.bottleneck import Bottleneck, Diagnosis, diagnose, stretches
from analysis.bottleneck.resources import uses
from analysis.bottleneck.stretch import Stretch
from analysis.capacity.answer import Capacity
from analysis.capacity.ladder import Ladder, ladder
from analysis.capacity.scaling import Scaling, measured_at, scaling
from analysis.connections import Connections, PoolSize, connections, warnings
from analysis.forecast import Forecast
from analysis.headroom import Headroom, System, headroom
from analysis.samples import Samples
from analysis.validity import Reason, validity
from results import Run
from results.units import show_rate

MOST_OUTSIDE = 0.25
"""The share of the machine that other work may take before the answer is about that work as well."""
SCALED = ("web", "api")
"""Tiers of which there may be more instances."""
PER_LEVEL = ("generator-limited", "few-requests", "rate", "not-steady", "not-finished")
"""Doubts about a run that a search meets level by level: a level that is no evidence was left out."""


@dataclass(frozen=True)
class Review:
    """Everything that a capacity planning review is told."""

    capacity: Capacity
    diagnosis: Diagnosis
    ladder: Ladder | None
    scaling: Scaling | None
    headroom: Headroom | None
    """None where no forecast was given, or no rate is known to be carried."""
    connections: tuple[Connections, ...]
    doubts: tuple[Reason, ...]
    """What speaks against the search as a whole."""
    levels: tuple[Stretch, ...] = ()
    """The levels that are evidence, by rate, with what every tier said in them."""

    @property
    def first(self) -> Bottleneck | None:
        """What gives way first; None where the generator was the limit, or nothing was found."""
        return self.diagnosis.first if self.diagnosis.state == "found" else None

    @property
    def claimed(self) -> bool:
        """Whether a capacity is claimed: a bound was found, and it is the system's own."""
        return self.capacity.found and self.diagnosis.state != "generator" and not self.doubts

    @property
    def answer(self) -> str:
        """The answer with its number and its cause, in one line."""
        found = self.capacity
        if self.diagnosis.state == "generator" and found.found:
            limited = self.diagnosis.ranked[0].evidence[0].text if self.diagnosis.ranked else ""
            return f"No capacity is claimed: the load generator was the limit ({limited})."
        if not found.found or found.rate_per_s is None or found.first_hit is None:
            return found.claim
        carried = f"{show_rate(found.rate_per_s)} within {found.first_hit.text}"
        if self.first is None:
            return f"{carried}; what gives way then cannot be told from what was watched."
        return f"{carried}; then {self.first.name.rstrip(',')} ({self.first.evidence[0].text})"

    @property
    def warnings(self) -> tuple[str, ...]:
        """What somebody has to act on: connection arithmetic first, which is always checked."""
        return (*warnings(self.connections), *(self.headroom.warnings if self.headroom else ()))

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data for JSON."""
        return {
            "answer": self.answer,
            "claimed": self.claimed,
            "doubts": [reason.text for reason in self.doubts],
            "capacity": self.capacity.to_dict(),
            "pair": self.ladder
            and {"highest_at_all_per_s": self.capacity.max_per_s, **self.ladder.to_dict()},
            "gives_way": self.diagnosis.to_dict(),
            "scaling": self.scaling and self.scaling.to_dict(),
            "headroom": self.headroom and self.headroom.to_dict(),
            "connections": [
                {"server": one.server, "most": one.most, "max_connections": one.max_connections,
                 "sum": one.sum_words}
                for one in self.connections
            ],
            "warnings": list(self.warnings),
        }  # fmt: skip


def review(run: Run, capacity: Capacity) -> Review:
    """The answer of a stored search, with all that is known around it. Reads run.db alone."""
    said = {(float(e.data["from_s"]), float(e.data["to_s"])): e.data for e in run.levels}
    held = [one for one in stretches(run) if not said.get(_span(one), {}).get("problems")]
    over = [bool(said.get(_span(one), {}).get("overloaded")) for one in held]
    samples = Samples(run.series(), 0.0, run.duration_s)
    counts = _instances(samples)
    limits = connections(samples, run.environment)
    diagnosis = diagnose(run)
    claimed = capacity.rate_per_s if capacity.found and diagnosis.state != "generator" else None
    carried = claimed or (capacity.last_pass.rate_per_s if capacity.last_pass else None)
    wanted = run.info.get("forecast")
    ahead = None
    if wanted and carried:
        system = System(counts, limits, _held(held, limits))
        ahead = headroom(carried, Forecast(**wanted), system, today=run.started_at.date())
    doubts = [reason for reason in validity(run).reasons if reason.code not in PER_LEVEL]
    return Review(
        capacity,
        diagnosis,
        ladder(run, capacity),
        scaling(held, over, claimed, counts),
        ahead,
        limits,
        (*doubts, *_disturbed(held)),
        tuple(held),
    )


def _span(level: Stretch) -> tuple[float, float]:
    return level.from_s, level.to_s


def _disturbed(levels: list[Stretch]) -> list[Reason]:
    """Whether somebody else's work kept the machine busy while the levels were held."""
    outside = []
    for level in levels:
        host = next((use for use in uses(level) if use.tier == "host"), None)
        if host is not None and host.utilisation is not None:
            own = sum(
                level.samples.mean(tier, "cpu_ratio", one) or 0.0
                for tier in level.samples.tiers
                if tier not in ("host", "probe")
                for one in level.samples.instances(tier, "cpu_ratio")
            )
            outside.append((max(host.utilisation * host.servers - own, 0.0), host.servers))
    if not outside:
        return []
    cores, of = float(np.median([used for used, _ in outside])), outside[0][1]
    if cores <= MOST_OUTSIDE * of:
        return []
    said = f"{cores:.1f} of the machine's {of:.0f} cores went to processes that are no part of the system"
    return [Reason("disturbed", said, "run it again while nothing else runs on the machine")]


def _instances(samples: Samples) -> tuple[tuple[str, int], ...]:
    """How many there are of each tier that can be scaled."""
    counts = [(tier, len(samples.instances(tier, "cpu_ratio"))) for tier in SCALED]
    return tuple((tier, count) for tier, count in counts if count)


def _held(levels: list[Stretch], limits: tuple[Connections, ...]) -> tuple[tuple[PoolSize, float], ...]:
    """What a request holds of each pool, at the level whose demands are taken."""
    served = [one for one in levels if one.response.count]
    if not served:
        return ()
    demands = {(use.tier, use.resource): use.demand_s for use in uses(measured_at(served))}
    pools = [pool for server in limits for pool in server.pools]
    held = [(pool, demands.get((pool.tier, f"{pool.pool} pool"))) for pool in pools]
    return tuple((pool, seconds) for pool, seconds in held if seconds)
