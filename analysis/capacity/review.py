"""The whole capacity answer from run.db: how much, what gives way first, until when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from analysis.bottleneck import Bottleneck, Diagnosis, SaturationRow, saturation
from analysis.bottleneck.resources import processes, uses
from analysis.bottleneck.stretch import Stretch
from analysis.capacity.claim import Capacity
from analysis.capacity.held import Held, gives_way, held_levels
from analysis.capacity.ladder import Ladder, ladder
from analysis.capacity.scaling import Scaling, measured_at, scaling
from analysis.capacity.whatif import as_predicted
from analysis.connections import Connections, PoolSize, connections, warnings
from analysis.forecast import Forecast
from analysis.headroom import Headroom, System, headroom
from analysis.samples import Samples
from analysis.summary import Summary
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
    """None where no forecast was given, or no rate is claimed to be carried."""
    connections: tuple[Connections, ...]
    doubts: tuple[Reason, ...]
    """What speaks against the search as a whole."""
    held: tuple[Held, ...] = ()
    """The levels that are evidence, by rate, with what every tier said in them."""

    @property
    def first(self) -> Bottleneck | None:
        """What gives way first; None where the generator was the limit, or nothing was found."""
        return self.diagnosis.first if self.diagnosis.state == "found" else None

    @property
    def refused(self) -> str:
        """Why nothing is claimed, whatever the levels say; empty where nothing speaks against them."""
        return _refusal(self.capacity, self.diagnosis, self.doubts)

    @property
    def stated(self) -> Capacity:
        """The capacity as it may be told: without its rates where they are refused."""
        return self.capacity.withdrawn(self.refused) if self.refused else self.capacity

    @property
    def claimed(self) -> bool:
        """Whether a capacity is claimed: a bound was found, and it is the system's own."""
        return self.stated.found

    @property
    def answer(self) -> str:
        """The answer with its number and its cause, in one line."""
        found = self.stated
        if not found.found or found.rate_per_s is None or found.first_hit is None:
            return found.claim
        carried = f"{show_rate(found.rate_per_s)} within {found.first_hit.text}"
        if self.first is None:
            return f"{carried}; {self.unexplained}"
        return f"{carried}; then {self.first.name.rstrip(',')} ({self.first.evidence[0].text})"

    @property
    def unexplained(self) -> str:
        """That no cause is known, and what would have to be watched to know it."""
        if self.diagnosis.missing:
            return (
                f"what gives way then cannot be told without watching {' and '.join(self.diagnosis.missing)}"
            )
        return "what gives way then cannot be told: no watched resource was full"

    @property
    def summary(self) -> Summary:
        """What lists show of the search."""
        rate_per_s = self.stated.rate_per_s
        figures = {} if rate_per_s is None else {"rate": rate_per_s}
        return Summary("valid" if self.claimed else "inconclusive", figures, self.answer)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What somebody has to act on: connection arithmetic first, which is always checked."""
        return (*warnings(self.connections), *(self.headroom.warnings if self.headroom else ()))

    @property
    def saturation(self) -> list[SaturationRow]:
        """Utilisation, waiting, errors and demand of each resource: a value for each level held."""
        return saturation([one.stretch for one in self.held])

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data for JSON; what is not known is None or nan.

        `saturation` has a value for each of `levels`: utilisation 0 to 1, how many wait on average, how many
        were refused or failed, and seconds of the resource that an arrival takes.
        """
        return {
            "answer": self.answer,
            "claimed": self.claimed,
            "doubts": [reason.text for reason in self.doubts],
            "capacity": self.stated.to_dict(),
            "pair": self.ladder
            and {"highest_at_all_per_s": self.capacity.max_per_s, **self.ladder.to_dict()},
            "gives_way": self.diagnosis.to_dict(),
            "levels": [one.to_dict() for one in self.held],
            "saturation": [asdict(row) for row in self.saturation],
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
    levels = held_levels(run, capacity)
    held = tuple(one for one in levels if one.point.is_evidence)
    stretches = [one.stretch for one in held]
    samples = Samples(run.series(), 0.0, run.duration_s)
    counts = _instances(samples)
    limits = connections(samples, run.environment)
    diagnosis = gives_way(run, capacity, levels)
    doubts = [reason for reason in validity(run).reasons if reason.code not in PER_LEVEL]
    doubts += _disturbed(stretches)
    refused = _refusal(capacity, diagnosis, doubts)
    stated = capacity.withdrawn(refused) if refused else capacity
    wanted, carried = run.info.get("forecast"), stated.carried_per_s
    ahead = None
    if wanted and carried is not None:
        system = System(counts, limits, _held(stretches, limits))
        ahead = headroom(
            carried, Forecast(**wanted), system, today=run.started_at.date(), at_least=not stated.found
        )
    scaled = scaling(stretches, [one.point.overloaded for one in held], stated.rate_per_s, counts)
    return Review(
        capacity,
        as_predicted(diagnosis, scaled.predictions if scaled else ()),
        None if refused else ladder(run, capacity),
        scaled,
        ahead,
        limits,
        tuple(doubts),
        held,
    )


def _refusal(capacity: Capacity, diagnosis: Diagnosis, doubts: Sequence[Reason]) -> str:
    """Why nothing may be claimed: the generator, a doubt, or how the search ended; empty where none of it."""
    if diagnosis.state == "generator" and diagnosis.first is not None:
        return f"the load generator was the limit ({diagnosis.first.evidence[0].text})"
    if doubts:
        return doubts[0].text
    return capacity.why if capacity.unclaimed else ""


def _disturbed(levels: Sequence[Stretch]) -> list[Reason]:
    """Whether somebody else's work kept the machine busy while the levels were held."""
    outside = []
    for level in levels:
        host = next((use for use in uses(level) if use.tier == "host"), None)
        if host is not None and host.utilisation is not None:
            own = sum(processes(level).values())
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


def _held(levels: Sequence[Stretch], limits: tuple[Connections, ...]) -> tuple[tuple[PoolSize, float], ...]:
    """What a request holds of each pool, of all its workers, at the level whose demands are taken."""
    served = [one for one in levels if one.response.count]
    if not served:
        return ()
    demands = {(use.tier, use.resource): use.demand_s for use in uses(measured_at(served))}
    pools = [pool for server in limits for pool in server.pools]
    held = [(pool, demands.get((pool.tier, f"{pool.pool} pool"))) for pool in pools]
    # What is watched of an instance's pool is that of one of its workers.
    return tuple((pool, seconds * pool.workers) for pool, seconds in held if seconds)
