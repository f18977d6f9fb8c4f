"""What the load did to the system: objectives, response time against rate, and at every percentile."""

from __future__ import annotations

import math

from analysis.slo import SloResult
from analysis.spectrum import spectrum
from reports.charts.axes import clock
from reports.charts.curves import RateChart, RateCurve, SpectrumLine, draw_rate_curve, draw_spectrum
from reports.charts.style import VIOLET
from reports.parts import Bar, Cell, Chart, Column, Figures, Section, Table, Tone
from reports.run_data import RunReport
from reports.sections.answer import figure_of
from reports.sections.shared import NARROW, WIDE
from reports.words import NONE
from results import Histogram
from results.units import show_latency, show_rate, show_ratio

_BAR_END = 1.5
"""The bar of an objective ends at this share of its limit."""
_VERDICTS: dict[str, tuple[str, Tone]] = {
    "pass": ("pass", "good"),
    "fail": ("fail", "bad"),
    "inconclusive": ("cannot tell", "warn"),
}
_SHARES = (0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 0.99999)


def objectives(report: RunReport) -> Section | None:
    """The SLO table."""
    if not report.objectives:
        return None
    columns = [
        Column("Objective", number=False),
        Column("Measured"),
        Column("95% interval", what="By resampling stretches of time"),
        Column("Limit"),
        Column("Used", what="Measured as a share of the limit", wide=True, number=False),
        Column("Verdict", number=False),
    ]
    rows = [_objective_row(one) for one in report.objectives]
    lead = "Judged on the steady part only; response time counts from the intended start."
    return Section(
        "objectives", "Objectives", lead, [Table("Objectives and what was measured", columns, rows)]
    )


def _objective_row(one: SloResult) -> list[Cell]:
    used = one.measured / one.slo.limit if one.slo.limit else (0.0 if not one.measured else 9.99)
    word, tone = _VERDICTS[one.outcome]
    missed: Tone = "bad" if one.outcome == "fail" else ""
    known = math.isfinite(used)
    bar = Bar(min(used / _BAR_END, 1.0), missed, 1 / _BAR_END) if known else None
    between = f"{figure_of(one.slo, one.low)} to {figure_of(one.slo, one.high)}" if one.low == one.low else ""
    return [
        Cell(f"{one.slo.endpoint or 'all'} {one.slo.figure}", "; ".join(one.doubts)),
        Cell(figure_of(one.slo, one.measured), tone=missed, strong=True),
        Cell(between or NONE, tone="muted"),
        Cell(figure_of(one.slo, one.slo.limit)),
        Cell(show_ratio(used) if known else NONE, bar=bar),
        Cell(word, pill=True, tone=tone),
    ]


def limits_us(report: RunReport) -> list[tuple[float, str]]:
    """Latency limits over all endpoints, as charts draw them."""
    wanted = [slo for slo in report.run.slos if slo.metric == "latency" and slo.endpoint is None]
    return [(slo.limit, f"SLO {slo.text}") for slo in wanted]


def against_rate(report: RunReport) -> Section | None:
    """The response-throughput curve."""
    if len(report.curve) < 2:
        return None
    low, high = (show_rate(report.curve[end].rate_per_s) for end in (0, -1))
    label = f"Response time against achieved rate, from {low} to {high}"
    chart = RateChart(label, [RateCurve(report.curve)], limits_us(report))
    held = any(point.held for point in report.curve)
    lead = (
        "Each dot is a stretch of the run: how many requests a second were answered, and how long they took."
    )
    lead += " Large dots are levels that were held." if held else ""
    drawn = Chart(
        "Response time against achieved rate",
        draw_rate_curve(chart, *WIDE, "broad"),
        draw_rate_curve(chart, *NARROW, "narrow"),
        curve_figures(report),
    )
    return Section("load", "How it answered to load", lead, [drawn])


def curve_figures(report: RunReport) -> Figures:
    """The curve's points as a table."""
    rows = [
        [
            show_rate(point.rate_per_s),
            show_latency(point.p50_us),
            show_latency(point.p95_us),
            show_latency(point.p99_us),
            show_ratio(point.error_ratio),
            f"{clock(point.from_s)} to {clock(point.to_s)}",
        ]
        for point in report.curve
    ]
    names = ["requests", "p50", "p95", "p99", "errors", "when"]
    return Figures(names, rows, [point.rate_per_s for point in report.curve])


def percentiles(report: RunReport) -> Section | None:
    """The percentile spectrum of response and service time."""
    overall = report.overall
    response, service = spectrum(overall.response), spectrum(overall.service)
    if not response.q.size:
        return None
    lines = [SpectrumLine("response", response)]
    if service.q.size and overall.service != overall.response:
        lines.append(SpectrumLine("service", service, VIOLET, dashed=True))
    slos = [slo for slo in report.run.slos if slo.metric == "latency" and slo.endpoint is None]
    limits = [(slo.quantile, slo.limit, f"{slo.figure} limit") for slo in slos]
    label = "Latency at each percentile, response time and service time"
    lead = (
        "How long the slowest share of requests took. Response time counts from when a request was due,"
        " service time from when it was sent: a gap between them is waiting before the system."
    )
    drawn = Chart(
        "Latency at each percentile",
        draw_spectrum(lines, limits, label, *WIDE, "broad"),
        draw_spectrum(lines, limits, label, *NARROW, "narrow"),
        _spectrum_figures(overall.response, overall.service, float(response.nines[-1])),
    )
    return Section("spectrum", "All percentiles", lead, [drawn])


def _spectrum_figures(response: Histogram, service: Histogram, far: float) -> Figures:
    """The usual percentiles as far as at least one request lies beyond them, and the maximum."""
    shares = [q for q in _SHARES if response.count * (1 - q) >= 1]
    rows = [
        [f"p{q * 100:.10g}", show_latency(response.quantile_us(q)), show_latency(service.quantile_us(q))]
        for q in shares
    ]
    rows.append(["max", show_latency(response.max_us), show_latency(service.max_us)])
    at = [-math.log10(1 - q) for q in shares]
    return Figures(["percentile", "response", "service"], rows, [*at, far])
