"""What another pool, another instance or a faster query would do: exact MVA, within the bounds of the rest.

A request goes through the CPU of each tier and holds a connection of each pool: the stations of a closed
network, with what else it takes as a delay. What contains others, or is shared by all of them (the
machine's CPU, a database's CPU, an instance's workers), cannot be one more station without counting twice:
it is a bound on the rate. The rate predicted is the one at which the model's mean response time is what it
is today at the measured capacity.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from analysis.bottleneck.finding import Diagnosis
from analysis.bottleneck.resize import larger, moved, resized
from analysis.bottleneck.resources import TIER_NAMES, Use, uses
from analysis.bottleneck.stretch import Stretch
from analysis.laws import EXPLAINED, Floats, Station, bounds, mean_values
from results.units import show_rate

ASSUMPTIONS = (
    "one mix of requests, with the demands measured at the highest level that kept the objectives",
    "a demand does not change with load, nor with the change itself",
    "exponential service, or processor sharing; servers of a station are alike and share one queue",
    "the objectives are reached at the same mean response time as today",
    "another instance brings a CPU core of its own only as far as the machine still has one",
)
MOST_USERS = 512
NEAR = 0.98
"""Of a bound: measured demands are not exact, and the model has no response time at the bound itself."""
CAP = 0.95
"""How full a resource may be at the limit. What limits today stays as full as it is."""
SMALL = 0.02
"""A gain below this has not moved the limit."""
ON_ONE_CORE = ("lb", "web", "api", "redis", "jobs")


@dataclass(frozen=True)
class Model:
    """One request's way. `caps` are (name, most per second) of what contains or is shared by stations.

    `lines` are the pools and workers, which another size may be given.
    """

    stations: tuple[Station, ...]
    caps: tuple[tuple[str, float], ...]
    delay_s: float
    lines: tuple[Use, ...] = ()

    @property
    def bound(self) -> tuple[str, float]:
        """What limits first, and where."""
        limits = [*bounds(self.stations).limits_per_s, *self.caps]
        return min(limits, key=lambda one: one[1], default=("nothing that was watched", float("inf")))

    @property
    def bounds(self) -> tuple[tuple[str, float], ...]:
        """Every limit, the tightest first."""
        return tuple(sorted([*bounds(self.stations).limits_per_s, *self.caps], key=lambda one: one[1]))


def model(level: Stretch, calm: Stretch) -> Model:
    """The model of a level: demands of `level`, the rest of the response time as it was at `calm`."""
    used = [use for use in uses(level) if use.tier != "generator" and use.limits]
    stations = tuple(
        Station(use.name, use.demand_s, max(round(use.servers), 1)) for use in used if _is_station(use)
    )
    caps = tuple((use.name, use.servers / use.demand_s) for use in used if not _is_station(use))
    lines = tuple(use for use in used if use.is_pool or use.resource == "workers")
    arrivals, requests = max(calm.finished_per_s, 1e-9), calm.requests_per_s
    whole_s = calm.service.mean_us / 1e6 * requests / arrivals if calm.service.count else 0.0
    return Model(stations, caps, max(whole_s - sum(one.demand_s for one in stations), 0.0), lines)


def _is_station(use: Use) -> bool:
    return use.is_pool or (use.resource == "CPU" and use.tier in ON_ONE_CORE)


@dataclass(frozen=True)
class Change:
    """One change of the system. `factor` multiplies servers, or for a query its demand."""

    kind: Literal["pool", "workers", "instances", "query"]
    what: str
    """A pool, or the beginning of several; a tier's workers; the tier of instances; nothing for queries."""
    factor: float
    words: str
    line: Use | None = None
    """The pool or the workers as they are, where one is changed."""


@dataclass(frozen=True)
class Prediction:
    """What a change does to the highest rate within the objectives."""

    of: Change
    before_per_s: float
    after_per_s: float
    limited_by: str

    @property
    def change(self) -> str:
        """The change in words."""
        return self.of.words

    @property
    def gain(self) -> float:
        """Relative change of the rate."""
        return self.after_per_s / self.before_per_s - 1

    @property
    def next_limit(self) -> str:
        """Where another size of a pool, or of workers, moves the limit; empty for other changes."""
        line, rate = self.of.line, f"about {show_rate(self.after_per_s)}"
        if line is None:
            return ""
        then = round(line.each * self.of.factor)
        if self.gain < SMALL:
            return f"with {larger(line, then)} the {self.limited_by} limits all the same, at {rate}"
        return moved(line, then, self.limited_by, rate)


def changed(system: Model, change: Change) -> Model:
    """The model after a change."""
    if change.kind == "pool":
        return replace(
            system,
            stations=tuple(
                replace(one, servers=round(one.servers * change.factor))
                if one.name.startswith(change.what) and one.name.endswith(" pool")
                else one
                for one in system.stations
            ),
        )
    if change.kind == "workers":
        caps = ((name, rate * change.factor if name == change.what else rate) for name, rate in system.caps)
        return replace(system, caps=tuple(caps))
    if change.kind == "instances":
        tier = f"{TIER_NAMES[change.what]} "
        return replace(
            system,
            stations=tuple(
                replace(one, servers=round(one.servers * change.factor)) if one.name.startswith(tier) else one
                for one in system.stations
            ),
            caps=tuple(
                (name, rate * change.factor if name == f"{tier}workers" else rate)
                for name, rate in system.caps
            ),
        )
    return _faster(system, change.factor)


def _faster(system: Model, factor: float) -> Model:
    """Every statement takes a share of what it took: connections are held, and CPU is used, for less."""
    databases = {f"{TIER_NAMES[tier]} CPU" for tier in ("primary", "replica")}
    cores = dict(system.caps)
    host = f"{TIER_NAMES['host']} CPU"
    caps = []
    for name, rate in system.caps:
        share = 1.0
        if name in databases:
            share = factor
        elif name == host:
            # Every limit is servers / demand, and both CPUs are of the same cores.
            saved = sum(rate / cores[one] for one in databases if one in cores) * (1 - factor)
            share = max(1 - saved, 0.05)
        caps.append((name, rate / share))
    stations = tuple(
        replace(one, demand_s=one.demand_s * factor) if one.name.endswith(" pool") else one
        for one in system.stations
    )
    return replace(system, stations=stations, caps=tuple(caps))


def unexplained(system: Model, capacity_per_s: float) -> str:
    """Why no prediction is made, in words; empty where the model explains the limit that was measured."""
    name, most_per_s = system.bound
    if not system.stations or capacity_per_s >= EXPLAINED * most_per_s:
        return ""
    return (
        f"The limit lies at {show_rate(capacity_per_s)}, and the tightest resource ({name}) would carry"
        f" {show_rate(most_per_s)}: what limits is not in the model, so nothing is predicted."
    )


def predict(system: Model, capacity_per_s: float, change: Change) -> Prediction:
    """The highest rate within the objectives after a change, from the one measured before it."""
    after = changed(system, change)
    network = _through_stations(system, after, capacity_per_s)
    limits = [
        (name, rate * _fullest(system, (name, before), capacity_per_s))
        for (name, rate), (_, before) in zip(after.caps, system.caps, strict=True)
    ]
    name, cap = min(limits, key=lambda one: one[1], default=("", float("inf")))
    if cap < network * 1.02:
        return Prediction(change, capacity_per_s, min(cap, network), name)
    busiest = bounds(after.stations).limits_per_s
    return Prediction(change, capacity_per_s, network, busiest[0][0] if busiest else "")


def _through_stations(system: Model, after: Model, capacity_per_s: float) -> float:
    """The rate within the objectives as far as stations limit it.

    Where a shared resource limits today, it is not stations that are waited for: they limit when full.
    """
    if system.bound in system.caps:
        return CAP * bounds(after.stations).most_per_s
    inside = min(capacity_per_s, NEAR * bounds(system.stations).most_per_s)
    response_s = response_at(system, inside)
    return capacity_per_s * rate_with(after, response_s) / rate_with(system, response_s)


def _fullest(system: Model, cap: tuple[str, float], capacity_per_s: float) -> float:
    """The utilisation at which a shared resource ends the objectives."""
    today = min(capacity_per_s / cap[1], 1.0)
    return today if cap == system.bound else max(CAP, today)


def response_at(system: Model, rate_per_s: float) -> float:
    """The model's mean response time (s) at a rate below its bound."""
    rates, responses = _curve(system, lambda rates, _: bool(rates[-1] >= rate_per_s))
    return float(np.interp(rate_per_s, rates, responses))


def rate_with(system: Model, response_s: float) -> float:
    """The rate at which the model's mean response time is so long."""
    rates, responses = _curve(system, lambda _, responses: bool(responses[-1] >= response_s))
    return float(np.interp(response_s, responses, rates))


def _curve(system: Model, reaches: Callable[[Floats, Floats], bool]) -> tuple[Floats, Floats]:
    """Rates and mean response times for 1, 2 ... users, as far as it takes."""
    stations = [*system.stations]
    if system.delay_s > 0 or not stations:
        stations.append(Station("elsewhere", max(system.delay_s, 1e-6), 0))
    users = 32
    while True:
        solved = mean_values(stations, users)
        if users >= MOST_USERS or reaches(solved.throughput_per_s, solved.response_s):
            return solved.throughput_per_s, solved.response_s
        users *= 2


def changes(system: Model, counts: Sequence[tuple[str, int]]) -> list[Change]:
    """What is worth asking of any system: twice each pool and workers, one more instance, faster queries."""
    found = [_doubled(line) for line in system.lines]
    found += [
        Change(
            "instances", tier, (now + 1) / now, f"{TIER_NAMES[tier]}: {now + 1} instances instead of {now}"
        )
        for tier, now in counts
    ]
    if any(line.is_pool for line in system.lines):
        found.append(Change("query", "", 0.5, "every query in half the time"))
    return found


def _doubled(line: Use) -> Change:
    kind: Literal["pool", "workers"] = "pool" if line.is_pool else "workers"
    return Change(kind, line.name, 2.0, f"{line.name}: {resized(line, 2 * line.each)}", line)


def as_predicted(diagnosis: Diagnosis, predictions: Sequence[Prediction]) -> Diagnosis:
    """The same with the next limits that are predicted in place of bounds, and none where nothing is."""
    told = {one.of.what: one.next_limit for one in predictions if one.of.line is not None}
    ranked = tuple(replace(one, next_limit=told.get(one.use, "")) for one in diagnosis.ranked)
    return replace(diagnosis, ranked=ranked)
