"""A run cut into stretches of steady load, with what was asked, what came back and what each tier said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np

from analysis.samples import Samples
from analysis.slo import allowed, count, whole_seconds
from results import Flow, Gap, Histogram, Interval, Part, Run, Slo
from results.units import show_rate

NESTED = ("total", "api")
"""Parts that contain other parts: they would count twice."""
SHORTEST_S = 4.0
PIECES = 5
"""A run without held levels is cut into so many pieces."""


@dataclass
class Stretch:
    """One level. Rates are arrivals per second; times in ms per request."""

    from_s: float
    to_s: float
    rate_per_s: float
    samples: Samples
    slos: Sequence[Slo]
    intervals: list[Interval] = field(default_factory=list, repr=False)
    flows: list[Flow] = field(default_factory=list, repr=False)
    gaps: list[Gap] = field(default_factory=list, repr=False)

    @property
    def seconds(self) -> float:
        """How long it lasted."""
        return self.to_s - self.from_s

    @property
    def name(self) -> str:
        """The level in words."""
        return show_rate(self.rate_per_s)

    @cached_property
    def watched(self) -> set[str]:
        """Tiers that said anything within the stretch."""
        return {
            tier
            for tier in self.samples.tiers
            if any(
                self.samples.within(one).size
                for metric in self.samples.metrics(tier)
                for one in self.samples.all(tier, metric)
            )
        }

    @cached_property
    def response(self) -> Histogram:
        """All response times but setup's."""
        return Histogram.merged(piece.response for piece in self.intervals)

    @cached_property
    def service(self) -> Histogram:
        """All service times but setup's."""
        return Histogram.merged(piece.service for piece in self.intervals)

    @cached_property
    def failed_ratio(self) -> float:
        """Failed of all requests; 0 without any."""
        requests = self.response.count
        return sum(piece.failed for piece in self.intervals) / requests if requests else 0.0

    @cached_property
    def finished_per_s(self) -> float:
        """Arrivals that ended, per second."""
        return sum(flow.finished + flow.failed for flow in self.flows) / self.seconds

    @cached_property
    def behind(self) -> bool:
        """Whether fewer than nine in ten of the arrivals that were due ended: the system did not keep up."""
        due_per_s = sum(flow.scheduled for flow in self.flows) / self.seconds
        return self.finished_per_s < 0.9 * (due_per_s or self.rate_per_s)

    @cached_property
    def requests_per_s(self) -> float:
        """Requests by intended start, per second."""
        return self.response.count / self.seconds

    @property
    def in_flight_by_second(self) -> dict[int, int]:
        """Arrivals begun and not ended, at one look in each second."""
        by_second: dict[int, int] = {}
        for flow in self.flows:
            by_second[flow.second] = by_second.get(flow.second, 0) + flow.in_flight
        return by_second

    @cached_property
    def in_flight(self) -> float:
        """Arrivals begun and not ended, on average."""
        seen = list(self.in_flight_by_second.values())
        return float(np.mean(seen)) if seen else float("nan")

    @cached_property
    def missed(self) -> list[Slo]:
        """Objectives that were not kept, by more than chance does: two standard deviations of a count."""
        seen = [(slo, count(slo, self.intervals)) for slo in self.slos]
        most = [(slo, one, allowed(slo) * one.n) for slo, one in seen if one.n]
        return [slo for slo, one, allowed_n in most if one.over > allowed_n + 2 * np.sqrt(allowed_n)]

    @cached_property
    def components_ms(self) -> dict[str, float]:
        """Mean ms of a request by where it was spent; `elsewhere` is what nothing explains.

        Parts the system reported (Server-Timing), the load balancer's own queue, and `backlog`: waiting for
        a free user of the generator, which only happens when the system keeps all of them.
        """
        requests = self.response.count
        if not requests:
            return {}
        totals: dict[str, Part] = {}
        for piece in self.intervals:
            for name, part in piece.parts.items():
                if name not in NESTED:
                    totals[name] = totals[name] + part if name in totals else part
        found = {name: part.sum_us / requests / 1e3 for name, part in totals.items()}
        waits = [
            self.samples.mean("lb", "queue_time_ms", name) or 0.0
            for name in self.samples.instances("lb", "queue_time_ms")
            if name.startswith("backend/")
        ]
        found["lb queue"] = max(waits, default=0.0)
        service_ms = self.service.mean_us / 1e3 if self.service.count else 0.0
        found["backlog"] = max(self.response.mean_us / 1e3 - service_ms, 0.0)
        found["elsewhere"] = max(service_ms - sum(v for k, v in found.items() if k != "backlog"), 0.0)
        return found


def stretches(run: Run) -> list[Stretch]:
    """The run's levels in order of rate: those of a capacity search, or held stages, or pieces of it.

    Pauses for recovery are left out; a level that was tried several times is there several times.
    """
    end_s = run.duration_s
    spans = [
        (float(e.data["from_s"]), float(e.data["to_s"]), float(e.data["rate_per_s"]))
        for e in run.levels
        if e.data.get("purpose") != "recover"
    ]
    if not spans and run.stages:
        spans = [(max(a, run.warmup_s), min(b, end_s), rate) for a, b, rate in run.stages.holds()]
    spans = [span for span in spans if span[1] - span[0] >= SHORTEST_S]
    if not spans and end_s - run.warmup_s >= SHORTEST_S:
        pieces = int(np.clip((end_s - run.warmup_s) // 10, 1, PIECES))
        edges = np.linspace(run.warmup_s, end_s, pieces + 1)
        spans = [(float(a), float(b), float("nan")) for a, b in pairwise(edges)]
    series, flows, gaps, slos = run.series(), run.flows, run.gaps, run.slos
    found = []
    for begin, end, rate in spans:
        from_s, to_s = whole_seconds(begin, end)
        stretch = Stretch(from_s, to_s, rate, Samples(series, from_s, to_s), slos)
        stretch.intervals = [
            piece for piece in run.intervals(start_s=from_s, end_s=to_s) if not piece.endpoint.setup
        ]
        stretch.flows = [flow for flow in flows if from_s <= flow.second < to_s]
        stretch.gaps = [gap for gap in gaps if gap.from_s < to_s and gap.to_s > from_s]
        # Users have no rate of their own, and pieces of a ramp none that was planned.
        if not np.isfinite(rate) or (run.stages is not None and not run.stages.open):
            stretch.rate_per_s = sum(flow.scheduled for flow in stretch.flows) / stretch.seconds
        found.append(stretch)
    return sorted(found, key=lambda one: one.rate_per_s)
