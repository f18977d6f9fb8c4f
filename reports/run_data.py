"""Everything a run's page says, read and summed in one pass over the run's intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass

from analysis.caches import CacheLevel, cache_levels
from analysis.endpoints import EndpointTable, EndpointTotal
from analysis.samples import Samples
from analysis.spectrum import RatePoint, rate_curve
from analysis.tiers import TierPanel, missing_tiers, tier_panels
from analysis.timeline import FlowLine, Timeline, flow_line
from analysis.validity import Reason, validity
from results import Run, Slo

MOST_RANGES = 6
"""More held levels than this are not offered as ranges of their own."""


@dataclass(frozen=True)
class Objective:
    """An SLO and what was measured: us for latencies, a ratio for errors, nan if nothing was."""

    slo: Slo
    measured: float

    @property
    def passed(self) -> bool | None:
        """None when nothing was measured."""
        return None if math.isnan(self.measured) else self.measured <= self.slo.limit


@dataclass(frozen=True)
class RunReport:
    """A run's figures. `steady` is the stretch that all of them are of: load without warm-up."""

    run: Run
    from_s: float
    to_s: float
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
    objectives: list[Objective]
    doubts: list[Reason]
    """Why the run cannot be trusted; empty when nothing speaks against it."""

    @property
    def failed(self) -> list[Objective]:
        """Objectives that were missed, the worst first."""
        missed = [one for one in self.objectives if one.passed is False]
        return sorted(missed, key=lambda one: -one.measured / max(one.slo.limit, 1e-12))

    @property
    def asked_per_s(self) -> float:
        """Arrivals per second that were scheduled in the steady part; nan if none are known."""
        return _mean_rate(self.flow, self.flow.scheduled_per_s.tolist(), self.from_s, self.to_s)

    @property
    def finished_per_s(self) -> float:
        """Arrivals per second that ended in the steady part, failed ones included; nan if none are known."""
        ended = (self.flow.finished_per_s + self.flow.failed_per_s).tolist()
        return _mean_rate(self.flow, ended, self.from_s, self.to_s)


def read_report(run: Run) -> RunReport:
    """Read a run once and sum it up. Memory stays below some tens of megabytes however long the run was."""
    duration_s = run.duration_s
    from_s = min(run.warmup_s, duration_s)
    table = EndpointTable(from_s, duration_s)
    ranges = _ranges(run, from_s, duration_s)
    timeline = Timeline(duration_s)
    for interval in run.intervals():
        timeline.add(interval)
        table.add(interval)
        for _, part in ranges:
            part.add(interval)
    samples = Samples(run.series(), from_s, duration_s)
    flow = flow_line(run.flows, duration_s)
    return RunReport(
        run=run,
        from_s=from_s,
        to_s=duration_s,
        overall=table.overall(),
        table=table,
        ranges=ranges,
        timeline=timeline,
        flow=flow,
        curve=rate_curve(timeline, run.stages, from_s),
        samples=samples,
        panels=tier_panels(samples, run.gaps, duration_s),
        blind=missing_tiers(samples),
        caches=cache_levels(samples),
        objectives=[Objective(slo, measured(slo, table)) for slo in run.slos],
        doubts=list(validity(run).reasons),
    )


def measured(slo: Slo, table: EndpointTable) -> float:
    """What an SLO's figure was in a table's stretch; nan when nothing was measured."""
    rows = [row for row in table.rows if slo.endpoint in (None, row.endpoint.name)]
    requests = sum(row.requests for row in rows)
    if not requests:
        return math.nan
    if slo.metric == "errors":
        return sum(row.failed for row in rows) / requests
    histogram = sum((row.response for row in rows[1:]), rows[0].response)
    return histogram.mean_us if slo.metric == "mean" else histogram.quantile_us(slo.quantile)


def _ranges(run: Run, from_s: float, to_s: float) -> list[tuple[str, EndpointTable]]:
    stages = run.stages
    holds = stages.holds() if stages else []
    if stages is None or not 1 < len(holds) <= MOST_RANGES:
        return []
    unit = "/s" if stages.open else " users"
    spans = [(level, max(begin, from_s), min(end, to_s)) for begin, end, level in holds]
    return [(f"{level:g}{unit}", EndpointTable(begin, end)) for level, begin, end in spans if end > begin]


def _mean_rate(flow: FlowLine, rates: list[float], from_s: float, to_s: float) -> float:
    spans = [
        (max(min(end, to_s) - max(begin, from_s), 0.0), rate)
        for begin, end, rate in zip(flow.from_s, flow.to_s, rates, strict=True)
    ]
    total = sum(span for span, _ in spans)
    return sum(span * rate for span, rate in spans) / total if total and flow.generators else math.nan
