"""Everything a run's page says, read and summed in one pass over the run's intervals."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from analysis.alerts.report import AlertsReader, AlertsReport
from analysis.caches import CacheLevel, cache_levels
from analysis.endpoints import EndpointTable, EndpointTotal
from analysis.samples import Samples
from analysis.slo import SloJudges, SloResult, Verdict, steady_spans, verdict, whole_seconds
from analysis.spectrum import RatePoint, rate_curve
from analysis.tiers import TierPanel, missing_tiers, tier_panels
from analysis.timeline import Floats, FlowLine, Timeline, flow_line
from analysis.validity import Reason, validity
from results import Interval, Run

SHORTEST_THIRD_S = 8
"""A steady part of less than three times as much is not cut."""
MOST_RANGES = 6
"""More held levels than this are not offered as ranges of their own."""


@dataclass(frozen=True)
class LevelSeen:
    """One level of a capacity search: its plan and what its requests did."""

    rate_per_s: float
    purpose: str
    passed: bool | None
    from_s: float
    to_s: float
    achieved_per_s: float
    """Arrivals that ended, per second."""
    total: EndpointTotal


@dataclass(frozen=True)
class RunReport:
    """A run's figures, all of them of its steady part: the stretches `spans`, (from second, to second)."""

    run: Run
    spans: list[tuple[float, float]]
    overall: EndpointTotal
    table: EndpointTable
    ranges: list[tuple[str, EndpointTable]]
    """The endpoint table of each held level, by its name, where there are several."""
    timeline: Timeline
    flow: FlowLine
    curve: list[RatePoint]
    samples: Samples
    panels: list[TierPanel]
    blind: list[tuple[str, str]]
    caches: list[CacheLevel]
    objectives: list[SloResult]
    doubts: list[Reason]
    """Why the run cannot be trusted; empty when nothing speaks against it."""
    verdict: Verdict
    alerts: AlertsReport | None
    """What the run's alert rules say of it; None where it was given none."""
    levels: list[LevelSeen]
    """Of a capacity search, in order of time; empty otherwise."""

    @property
    def from_s(self) -> float:
        """Where the steady part begins."""
        return self.spans[0][0]

    @property
    def to_s(self) -> float:
        """Where it ends."""
        return self.spans[-1][1]

    @property
    def failed(self) -> list[SloResult]:
        """Objectives that were missed, the worst first."""
        missed = [one for one in self.objectives if one.outcome == "fail"]
        return sorted(missed, key=lambda one: one.margin)

    @property
    def asked_per_s(self) -> float:
        """Arrivals per second that were scheduled in the steady part; nan if none are known."""
        return self._mean_rate(self.flow.scheduled_per_s)

    @property
    def finished_per_s(self) -> float:
        """Arrivals per second that ended in the steady part, failed ones included; nan if none are known."""
        return self._mean_rate(self.flow.ended_per_s)

    def _mean_rate(self, rates: Floats) -> float:
        overlap = np.zeros(rates.size)
        for from_s, to_s in self.spans:
            overlap += np.maximum(np.minimum(self.flow.to_s, to_s) - np.maximum(self.flow.from_s, from_s), 0)
        total = float(overlap.sum())
        return float(overlap @ rates) / total if total > 0 and self.flow.generators else math.nan


class Adds(Protocol):
    """Whoever wants to see each interval while a run is read."""

    def add(self, interval: Interval) -> None:
        """Take an interval in."""


def read_report(run: Run, *also: Adds) -> RunReport:
    """Read a run once and sum it up; others see its intervals in passing, as reading a day takes seconds.

    Memory stays below some tens of megabytes however long the run was.
    """
    duration_s = run.duration_s
    spans = [(min(from_s, duration_s), to_s) for from_s, to_s in steady_spans(run)]
    table = EndpointTable(spans)
    ranges = _ranges(run, duration_s)
    timeline, judges = Timeline(duration_s), SloJudges(run.slos, spans, duration_s)
    levels = [
        (event.data, EndpointTable([(event.data["from_s"], event.data["to_s"])])) for event in run.levels
    ]
    rules = AlertsReader(run)
    parts: list[Adds] = [timeline, judges, rules, table, *(part for _, part in [*ranges, *levels]), *also]
    for interval in run.intervals():
        for part in parts:
            part.add(interval)
    samples = Samples(run.series(), spans[0][0], spans[-1][1])
    flow = flow_line(run.flows, duration_s)
    trust = validity(run)
    objectives = judges.results()
    return RunReport(
        run=run,
        spans=spans,
        overall=table.overall(),
        table=table,
        ranges=ranges,
        timeline=timeline,
        flow=flow,
        curve=rate_curve(timeline, run.stages, run.warmup_s),
        samples=samples,
        panels=tier_panels(samples, run.gaps, duration_s),
        blind=missing_tiers(samples),
        caches=cache_levels(samples),
        objectives=objectives,
        doubts=list(trust.reasons),
        verdict=verdict(objectives, trust),
        alerts=rules.report([one.slo for one in objectives if one.outcome == "fail"]),
        levels=[_level(run, data, part) for data, part in levels],
    )


def _level(run: Run, data: dict[str, Any], table: EndpointTable) -> LevelSeen:
    (span,) = table.spans
    ended = sum(flow.finished + flow.failed for flow in run.flows if span[0] <= flow.second < span[1])
    seconds = len({flow.second for flow in run.flows if span[0] <= flow.second < span[1]})
    return LevelSeen(
        float(data["rate_per_s"]),
        str(data.get("purpose", "")),
        data.get("passed"),
        float(data["from_s"]),
        float(data["to_s"]),
        ended / seconds if seconds else math.nan,
        table.overall(),
    )


def _thirds(run: Run, duration_s: float) -> list[tuple[str, EndpointTable]]:
    """The steady part of a single level in three: whether it drifted, and what one incident did to it."""
    spans = steady_spans(run)
    length_s = (spans[0][1] - spans[0][0]) // 3
    if len(spans) != 1 or run.levels or length_s < SHORTEST_THIRD_S:
        return []
    edges = [spans[0][0], spans[0][0] + length_s, spans[0][0] + 2 * length_s, min(spans[0][1], duration_s)]
    return [
        (f"{begin:g} to {end:g} s", EndpointTable([(begin, end)])) for begin, end in itertools.pairwise(edges)
    ]


def _ranges(run: Run, duration_s: float) -> list[tuple[str, EndpointTable]]:
    stages = run.stages
    holds = stages.holds() if stages else []
    if not 1 < len(holds) <= MOST_RANGES or stages is None:
        return _thirds(run, duration_s)
    unit = "/s" if stages.open else " users"
    spans = [
        (f"{level:g}{unit}", whole_seconds(max(begin, run.warmup_s), min(end, duration_s)))
        for begin, end, level in holds
    ]
    levels = [name for name, _ in spans]
    return [
        (
            name if levels.count(name) == 1 else f"{name}, {begin:g} to {end:g} s",
            EndpointTable([(begin, end)]),
        )
        for name, (begin, end) in spans
        if end > begin
    ]
