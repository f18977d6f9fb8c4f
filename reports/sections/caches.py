"""The caching levels of the whole system in one picture: what each kept away, and what got through."""

from __future__ import annotations

from dataclasses import replace

from analysis.caches import CacheLevel, level_lines
from analysis.samples import broken, thinned
from reports.charts.lines import Line
from reports.charts.style import ACCENT, BASELINE, GREEN, GREY, INK, ORANGE, VIOLET
from reports.parts import Block, Meter, Meters, Section
from reports.run_data import RunReport
from reports.sections.shared import story_of, time_chart
from reports.words import show_bytes, show_count, show_nearly
from results.units import show_rate, show_ratio

_COLORS = (ACCENT, ORANGE, VIOLET, GREEN, BASELINE, GREY, INK)


def caches(report: RunReport) -> Section | None:
    """Hit ratio of each caching level and what got through to the one below."""
    levels = [_with_bytes(report, level) for level in report.caches]
    if not levels:
        return None
    length_s = max(report.samples.to_s - report.samples.from_s, 1e-9)
    meters = [
        Meter(
            f"{level.name}: {level.what}",
            f"{show_nearly(level.hit_ratio)} hit",
            level.hit_ratio,
            _words(level, length_s),
        )
        for level in levels
    ]
    blocks: list[Block] = [Meters("Hit ratio by level", meters)]
    story = story_of(report)
    width_s = float(report.timeline.width_s)
    lines = [
        Line(name, *broken(*thinned(series.at_s, series.values, width_s), width_s), color)
        for (name, series), color in zip(level_lines(report.samples), _COLORS, strict=False)
    ]
    if lines:
        blocks.append(time_chart("Hit ratio over time", lines, story, show_ratio, broad=True, share=True))
    lead = (
        "From the client down to the disk. The unfilled part of each bar is what the level below had to do."
    )
    return Section("caches", "What each cache kept away", lead, blocks)


def _words(level: CacheLevel, length_s: float) -> str:
    passed, asked = show_count(round(level.passed)), show_count(round(level.lookups))
    words = f"{passed} of {asked} got through, {show_rate(level.passed / length_s)}"
    if level.bytes_saved:
        words += f"; {show_bytes(level.bytes_saved)} saved"
    return f"{words}; {level.more}" if level.more else words


def _with_bytes(report: RunReport, level: CacheLevel) -> CacheLevel:
    """The edge cache counts no bytes: its hits at the mean size of an asset are about what it saved."""
    assets = [total for total in report.table.rows if total.endpoint.kind == "asset" and total.requests]
    number = sum(total.requests for total in assets)
    if level.name != "edge" or not number or level.bytes_saved is not None:
        return level
    mean = sum(total.received_bytes for total in assets) / number
    return replace(level, bytes_saved=level.hits * mean, more="by the mean size of an asset's answer")
