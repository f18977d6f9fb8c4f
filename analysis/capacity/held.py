"""The levels of a stored search with what every tier said, and what gives way first by those that count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from analysis.bottleneck import Diagnosis, Levels, choose, diagnose_levels, little, stretches, unsteady
from analysis.bottleneck.stretch import Stretch
from analysis.capacity.claim import Capacity, LevelPoint
from analysis.capacity.evidence import LIMITED
from analysis.laws import LittleCheck
from results import Run

QUANTILES = {"p50_us": 0.5, "p95_us": 0.95, "p99_us": 0.99}


@dataclass(frozen=True)
class Held:
    """One level: how it was judged, and what requests and tiers said while it was held."""

    point: LevelPoint
    stretch: Stretch

    @property
    def limited(self) -> bool:
        """Whether it is no evidence because the load generator was at its limit."""
        return any(problem.startswith(LIMITED) for problem in self.point.problems)

    @property
    def little(self) -> LittleCheck:
        """Arrivals in flight against rate x time: Little's law, which holds where the level was steady."""
        return little(self.stretch)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: times of its requests in us, where a request's time went in ms.

        `in_flight` are arrivals, on average, and `rate_x_time` as many as Little's law makes of them.
        """
        response, check = self.stretch.response, self.little
        times = response.quantiles_us(list(QUANTILES.values())).tolist()
        return {
            "number": self.point.number,
            "rate_per_s": self.point.rate_per_s,
            "achieved_per_s": self.stretch.finished_per_s,
            "requests": response.count,
            **dict(zip(QUANTILES, times, strict=True)),
            "error_ratio": self.stretch.failed_ratio,
            "parts_ms": self.stretch.components_ms,
            "in_flight": check.in_system,
            "rate_x_time": check.expected,
            "unsteady": unsteady(check),
        }


def held_levels(run: Run, capacity: Capacity) -> list[Held]:
    """All levels by rate, also those that are no evidence; without the pauses to recover."""
    points = {
        (float(event.data["from_s"]), float(event.data["to_s"])): point
        for event, point in zip(run.levels, capacity.levels, strict=False)
    }
    found = [(points.get((one.from_s, one.to_s)), one) for one in stretches(run)]
    return [Held(point, stretch) for point, stretch in found if point is not None]


def gives_way(run: Run, capacity: Capacity, levels: Sequence[Held]) -> Diagnosis:
    """What gives way first by the levels that are evidence; the generator, where only it ended the way up."""
    arrivals = run.account.finished + run.account.failed
    evidence = tuple(one.stretch for one in levels if one.point.is_evidence)
    chosen = choose(evidence)
    beyond = _beyond(capacity, levels)
    if beyond:
        calm = chosen.calm if chosen else beyond[0]
        told = diagnose_levels(Levels(beyond[0], calm, (*evidence, *beyond)), run.digests, arrivals)
        if told.state == "generator":
            return told
    if chosen is None:
        return Diagnosis("cannot tell", (), ("a level that is evidence",), "no level")
    return diagnose_levels(chosen, run.digests, arrivals)


def _beyond(capacity: Capacity, levels: Sequence[Held]) -> tuple[Stretch, ...]:
    """The levels above all evidence that the generator spoiled, where no limit was found below them."""
    evidence = [one.point for one in levels if one.point.is_evidence]
    if capacity.found or (evidence and not any(point.kept for point in evidence)):
        return ()
    highest = max((point.rate_per_s for point in evidence), default=0.0)
    return tuple(one.stretch for one in levels if one.limited and one.point.rate_per_s > highest)
