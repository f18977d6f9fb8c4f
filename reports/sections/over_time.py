"""The run over time: latency as a heat map, throughput, failures, arrivals under way, where the time went."""

from __future__ import annotations

import numpy as np

from analysis.breakdown import LAST
from analysis.timeline import HeatMap, heat_map
from reports.charts.axes import clock
from reports.charts.heat import draw_heat
from reports.charts.lines import Line, Story
from reports.charts.style import ACCENT, BAD, BASELINE, GREEN, GREY, INK, MUTED, ORANGE, VIOLET
from reports.parts import Block, Chart, Figures, Grid, Section
from reports.run_data import RunReport
from reports.sections.load import limits_us
from reports.sections.shared import NARROW, WIDE, story_of, time_chart
from results.units import show_latency, show_rate

PART_COLORS = {
    "pool": ORANGE,
    "db": ACCENT,
    "cache": GREEN,
    "render": VIOLET,
    "queue": BASELINE,
    "web-queue": BASELINE,
    "API": INK,
    "own work": MUTED,
    "outside": GREY,
    "other": GREY,
}
_SPARE_COLORS = (INK, BASELINE, MUTED)
UNSEEN = 0.005
"""A part that is never more than this of the largest one cannot be seen, and is left out of the picture."""


def color_of(part: str) -> str:
    """A part's colour, the same on every page; unknown parts share a few."""
    return PART_COLORS.get(part) or _SPARE_COLORS[sum(part.encode()) % len(_SPARE_COLORS)]


def over_time(report: RunReport) -> Section | None:
    """Latency as a heat map, throughput and errors, arrivals in flight, where the time went."""
    if not report.overall.requests:
        return None
    story = story_of(report)
    blocks: list[Block] = [_heat(report, story)]
    small = [_throughput(report, story), _errors(report, story), _waiting(report, story)]
    shown: list[Block] = [chart for chart in small if chart is not None]
    # An odd one out fills the page: no hole beside it.
    parts = _parts(report, story, broad=len(shown) % 2 == 0)
    if parts is not None and len(shown) % 2:
        shown.append(parts)
    blocks.append(Grid(shown))
    if parts is not None and parts not in shown:
        blocks.append(parts)
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

    return Chart(
        "Response time", draw(heat_map(line), WIDE, "broad"), draw(halved, NARROW, "narrow"), figures
    )


def _throughput(report: RunReport, story: Story) -> Chart:
    flow = report.flow
    if flow.generators:
        at = (flow.from_s + flow.to_s) / 2
        lines = [
            Line("ended", at, flow.ended_per_s, ACCENT, 2.2),
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


def _parts(report: RunReport, story: Story, *, broad: bool) -> Chart | None:
    if not report.timeline.parts_us:
        return None
    parts = report.timeline.mean_parts_ms()
    highest = {name: float(np.nanmax(ms, initial=0.0)) for name, ms in parts.items()}
    seen = [name for name, ms in highest.items() if ms >= UNSEEN * max(highest.values())]
    order = sorted(seen, key=lambda name: (name in LAST, name == "pool", name), reverse=True)
    lines = [Line(name, report.timeline.mid_s, parts[name], color_of(name), opacity=0.85) for name in order]
    show = lambda ms: show_latency(ms * 1e3) if ms else "0"  # noqa: E731
    return time_chart("Where the time went, mean of a request", lines, story, show, stacked=True, broad=broad)
