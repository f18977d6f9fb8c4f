"""What the load did: objectives, response time against rate and over time, throughput, the spectrum."""

from __future__ import annotations

import numpy as np

from analysis.spectrum import spectrum
from analysis.timeline import HeatMap, heat_map
from reports.charts.axes import Format, clock
from reports.charts.curves import RateChart, RateCurve, SpectrumLine, draw_rate_curve, draw_spectrum
from reports.charts.heat import draw_heat
from reports.charts.lines import Floats, Hole, Line, LineChart, Mark, Story, draw_lines
from reports.charts.style import ACCENT, BAD, GREEN, GREY, INK, ORANGE, VIOLET
from reports.parts import Bar, Block, Cell, Chart, Column, Figures, Grid, Section, Table
from reports.run_data import Objective, RunReport
from reports.sections.answer import figure_of
from reports.words import NONE
from results.units import show_latency, show_rate, show_ratio, three_digits

WIDE, NARROW = (960, 350), (400, 300)
PART_COLORS = {"pool": ORANGE, "db": ACCENT, "cache": GREEN, "render": VIOLET, "other": GREY}
_SPARE_COLORS = (BAD, INK)
_QUIET_EVENTS = ("stage", "warmup", "level")
_BAD_EVENTS = ("backend", "fault", "lost", "down")


def story_of(report: RunReport) -> Story:
    """The run's warm-up and the events that are worth a line on every chart."""
    marks = [
        Mark(event.at_s, event.text, event.kind in _BAD_EVENTS and not event.text.endswith((" up", "over")))
        for event in report.run.events
        if event.kind not in _QUIET_EVENTS and 0 <= event.at_s <= report.run.duration_s
    ]
    return Story(report.run.duration_s, report.from_s, marks[:40])


def holes_of(report: RunReport, tier: str) -> list[Hole]:
    """Where a tier could not be asked, for its charts."""
    return [Hole(gap.from_s, gap.to_s, gap.reason) for gap in report.run.gaps if gap.tier == tier]


def objectives(report: RunReport) -> Section | None:
    """The SLO table."""
    if not report.objectives:
        return None
    columns = [
        Column("Objective", number=False),
        Column("Measured"),
        Column("Limit"),
        Column("Used", what="Measured as a share of the limit", wide=True, number=False),
        Column("Verdict", number=False),
    ]
    rows = [_objective_row(one) for one in report.objectives]
    lead = "Judged on the steady part only: warm-up is left out, and response time counts from the intended start."
    return Section(
        "objectives", "Objectives", lead, [Table("Objectives and what was measured", columns, rows)]
    )


def _objective_row(one: Objective) -> list[Cell]:
    used = one.measured / one.slo.limit if one.slo.limit else (0.0 if not one.measured else 9.99)
    verdict = {True: ("pass", "good"), False: ("fail", "bad"), None: ("no data", "warn")}[one.passed]
    tone = "bad" if one.passed is False else ""
    bar = (
        None
        if one.passed is None
        else Bar(min(used / 1.5, 1.0), "bad" if one.passed is False else "", 1 / 1.5)
    )
    return [
        Cell(f"{one.slo.endpoint or 'all'} {one.slo.figure}"),
        Cell(figure_of(one.slo, one.measured), tone=tone, strong=True),  # type: ignore[arg-type]
        Cell(figure_of(one.slo, one.slo.limit)),
        Cell(NONE if one.passed is None else show_ratio(used), bar=bar),
        Cell(verdict[0], pill=True, tone=verdict[1]),  # type: ignore[arg-type]
    ]


def limits_us(report: RunReport) -> list[tuple[float, str]]:
    """Latency limits over all endpoints, as charts draw them."""
    wanted = [slo for slo in report.run.slos if slo.metric == "latency" and slo.endpoint is None]
    return [(slo.limit, f"SLO {slo.text}") for slo in wanted]


def against_rate(report: RunReport) -> Section | None:
    """The response-throughput curve."""
    if len(report.curve) < 2:
        return None
    chart = RateChart(
        f"Response time against achieved rate, from {show_rate(report.curve[0].rate_per_s)} "
        f"to {show_rate(report.curve[-1].rate_per_s)}",
        [RateCurve(report.curve)],
        limits_us(report),
    )
    rows = [
        [
            show_rate(p.rate_per_s),
            show_latency(p.p50_us),
            show_latency(p.p95_us),
            show_latency(p.p99_us),
            show_ratio(p.error_ratio),
            f"{clock(p.from_s)} to {clock(p.to_s)}",
        ]
        for p in report.curve
    ]
    names = ["requests", "p50", "p95", "p99", "errors", "when"]
    figures = Figures(names, rows, [point.rate_per_s for point in report.curve])
    held = any(point.held for point in report.curve)
    lead = (
        "Each dot is a stretch of the run: how many requests a second were answered, and how long they took."
    )
    lead += " Large dots are levels that were held." if held else ""
    return Section("load", "How it answered to load", lead, [both("Response time against achieved rate",
        draw_rate_curve(chart, *WIDE, "broad"), draw_rate_curve(chart, *NARROW, "narrow"), figures)])  # fmt: skip


def both(title: str, wide: str, narrow: str, figures: Figures | None, note: str = "") -> Chart:
    """A chart with a drawing for wide pages and one for phones."""
    return Chart(title, wide, narrow, figures, note)


def over_time(report: RunReport) -> Section | None:
    """Latency as a heat map, throughput and errors, arrivals in flight, where the time went."""
    if not report.overall.requests:
        return None
    story = story_of(report)
    blocks: list[Block] = [_heat(report, story)]
    small = [
        _throughput(report, story),
        _errors(report, story),
        _waiting(report, story),
        _parts(report, story),
    ]
    blocks.append(Grid([chart for chart in small if chart is not None]))
    lead = "The darker a cell, the more requests took that long. Lines are the median and p99 of each moment."
    return Section("time", "Over time", lead, blocks)


def _heat(report: RunReport, story: Story) -> Chart:
    line = report.timeline
    p50, p99 = line.quantile_us(0.5), line.quantile_us(0.99)
    rows = [
        [clock(at), show_latency(low), show_latency(high), show_rate(rate)]
        for at, low, high, rate in zip(line.from_s, p50, p99, line.rate_per_s, strict=True)
    ]
    figures = Figures(["since start", "p50", "p99", "requests"], rows, line.mid_s.tolist())
    label = "Response time over time: how many requests took how long, with median and p99"
    halved = heat_map(line, 5, max(line.from_s.size // 100, 1))

    def draw(heat: HeatMap, size: tuple[int, int], css_class: str) -> str:
        return draw_heat(line, heat, story, limits_us(report), label, *size, css_class)

    return both("Response time", draw(heat_map(line), WIDE, "broad"), draw(halved, NARROW, "narrow"), figures)


def _throughput(report: RunReport, story: Story) -> Chart:
    flow = report.flow
    if flow.generators:
        at = (flow.from_s + flow.to_s) / 2
        ended = flow.finished_per_s + flow.failed_per_s
        lines = [
            Line("ended", at, ended, ACCENT, 2.2),
            Line("asked", at, flow.scheduled_per_s, GREY, 1.4, dashed=True),
        ]
        return time_chart("Arrivals per second", lines, story, show_rate)
    line = report.timeline
    return time_chart(
        "Requests per second", [Line("requests", line.mid_s, line.rate_per_s)], story, show_rate
    )


def _errors(report: RunReport, story: Story) -> Chart | None:
    line = report.timeline
    if not line.failed.any():
        return None
    per_s = line.failed / np.maximum(line.to_s - line.from_s, 1e-9)
    return time_chart(
        "Failed requests per second", [Line("failed", line.mid_s, per_s, BAD)], story, show_rate
    )


def _waiting(report: RunReport, story: Story) -> Chart | None:
    flow = report.flow
    if not flow.generators:
        return None
    at = (flow.from_s + flow.to_s) / 2
    lines = [Line("in flight", at, flow.in_flight, ACCENT)]
    if flow.backlog.any():
        lines.append(Line("not started", at, flow.backlog, BAD))
    return time_chart("Arrivals under way", lines, story)


def _parts(report: RunReport, story: Story) -> Chart | None:
    if not report.timeline.parts_us:
        return None
    parts = report.timeline.mean_parts_ms()
    spare = iter(_SPARE_COLORS * 4)
    order = sorted(parts, key=lambda name: (name == "other", name == "pool", name), reverse=True)
    lines = [
        Line(name, report.timeline.mid_s, parts[name], PART_COLORS.get(name) or next(spare), opacity=0.85)
        for name in order
    ]
    show = lambda ms: show_latency(ms * 1e3) if ms else "0"  # noqa: E731
    return time_chart("Where the time went, mean of a request", lines, story, show, stacked=True)


def time_chart(
    title: str, lines: list[Line], story: Story, show: Format = three_digits,
    *, stacked: bool = False, limit: float | None = None, limit_label: str = "", broad: bool = False, binary: bool = False,
) -> Chart:  # fmt: skip
    """A chart over time with its figures; `broad` ones fill the page and have a drawing for phones."""
    spec = LineChart(f"{title}, over time", lines, story, show, limit, limit_label, stacked, binary)
    at = lines[0].x
    values = [near(line, at) for line in lines]
    rows = [
        [clock(time), *(show(float(v[i])) if np.isfinite(v[i]) else NONE for v in values)]
        for i, time in enumerate(at.tolist())
    ]
    figures = Figures(["since start", *(line.label for line in lines)], rows, at.tolist())
    if not broad:
        return Chart(title, draw_lines(spec), "", figures)
    return Chart(title, draw_lines(spec, 960, 230, "broad"), draw_lines(spec, 400, 210, "narrow"), figures)


def near(line: Line, at: Floats) -> Floats:
    """A line's values nearest to these times; nan where it has none within two steps."""
    if line.x.size == 0:
        return np.full(at.size, np.nan)
    if line.x.size == at.size and np.allclose(line.x, at):
        return line.y
    place = np.clip(np.searchsorted(line.x, at), 0, line.x.size - 1)
    before = np.maximum(place - 1, 0)
    place = np.where(np.abs(at - line.x[before]) < np.abs(line.x[place] - at), before, place)
    step = float(np.median(np.diff(at))) if at.size > 1 else 1.0
    return np.where(np.abs(line.x[place] - at) <= 2 * step, line.y[place], np.nan)


def percentiles(report: RunReport) -> Section | None:
    """The percentile spectrum of response and service time."""
    response, service = spectrum(report.overall.response), spectrum(report.overall.service)
    if not response.q.size:
        return None
    lines = [SpectrumLine("response", response)]
    if service.q.size and report.overall.service != report.overall.response:
        lines.append(SpectrumLine("service", service, VIOLET, dashed=True))
    slos = [slo for slo in report.run.slos if slo.metric == "latency" and slo.endpoint is None]
    limits = [(slo.quantile, slo.limit, f"{slo.figure} limit") for slo in slos]
    label = "Latency at each percentile, response time and service time"
    shares = (0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 1.0)
    rows = [
        [
            "max" if q == 1 else f"p{q * 100:g}",
            show_latency(report.overall.response.quantile_us(q)),
            show_latency(report.overall.service.quantile_us(q)),
        ]
        for q in shares
        if q == 1 or report.overall.requests * (1 - q) >= 1
    ]
    at = [float(-np.log10(1 - q)) if q < 1 else float(response.nines[-1]) for q in shares
          if q == 1 or report.overall.requests * (1 - q) >= 1]  # fmt: skip
    lead = "How long the slowest share of requests took. Response time counts from when a request was due, service time from when it was sent: a gap between them is waiting before the system."
    return Section("spectrum", "All percentiles", lead, [both("Latency at each percentile",
        draw_spectrum(lines, limits, label, *WIDE, "broad"), draw_spectrum(lines, limits, label, *NARROW, "narrow"),
        Figures(["percentile", "response", "service"], rows, at))])  # fmt: skip
