"""The sections of a capacity page: curve, what gives way, where the time went, scaling, headroom, levels."""

from __future__ import annotations

import math

import numpy as np

from analysis.bottleneck import Bottleneck, Diagnosis, saturation, stretches
from analysis.bottleneck.resources import TIER_NAMES
from analysis.capacity import Capacity, LevelPoint
from analysis.headroom import Headroom, Instances
from analysis.scalability import Floats, fit_usl
from analysis.spectrum import RatePoint
from reports.charts.curves import RateChart, RateCurve, draw_rate_curve
from reports.charts.levels import Part, draw_parts, draw_scalability
from reports.charts.saturation import SaturationMap, draw_saturation
from reports.parts import Block, Cell, Chart, Column, Figures, Note, Section, Table, Tone
from reports.run_data import LevelSeen, RunReport
from reports.sections import bottleneck
from reports.sections.load import limits_us
from reports.sections.over_time import color_of
from reports.sections.shared import NARROW, WIDE
from reports.words import NONE, sentence
from results.units import show_latency, show_rate, show_ratio

_MOST_ROWS = 18


def judged_levels(report: RunReport) -> list[LevelSeen]:
    """Levels that were held to judge the system and had requests, by rate."""
    wanted = [level for level in report.levels if level.purpose != "recover" and level.total.requests]
    return sorted(wanted, key=lambda level: level.rate_per_s)


def how_much(report: RunReport, capacity: Capacity) -> Section | None:
    """The response-throughput curve of the levels, with the last pass and the first fail on it."""
    levels = judged_levels(report)
    points = [_point(level) for level in levels]
    if len(points) < 2:
        return None
    chart = RateChart(
        "Response time against achieved rate, by level",
        [RateCurve(points)],
        limits_us(report),
        _named(levels, capacity.last_pass),
        _named(levels, capacity.first_fail),
        axis="achieved rate, arrivals per second",
    )
    rows = [
        [
            show_rate(point.rate_per_s),
            show_latency(point.p50_us),
            show_latency(point.p95_us),
            show_latency(point.p99_us),
            show_ratio(point.error_ratio),
        ]
        for point in points
    ]
    drawn = Chart(
        "Response time against achieved rate",
        draw_rate_curve(chart, *WIDE, "broad"),
        draw_rate_curve(chart, *NARROW, "narrow"),
        Figures(["arrivals", "p50", "p95", "p99", "errors"], rows, [point.rate_per_s for point in points]),
    )
    lead = (
        "Each dot is one level. The band lies between the last level that passed and the first that failed."
    )
    return Section("load", "How much it carries", lead, [drawn])


def _named(levels: list[LevelSeen], point: LevelPoint | None) -> tuple[float, float] | None:
    """The achieved rate of a point of the answer, where the curve has it, and its offered rate."""
    same = [one for one in levels if point and abs(one.rate_per_s / point.rate_per_s - 1) < 1e-3]
    return (same[-1].achieved_per_s, same[-1].rate_per_s) if same else None


def _point(level: LevelSeen) -> RatePoint:
    total = level.total
    p50, p95, p99 = (float(value) for value in total.response.quantiles_us([0.5, 0.95, 0.99]))
    return RatePoint(
        level.from_s, level.to_s, total.requests, level.achieved_per_s, p50, p95, p99, total.error_ratio, True
    )


def gives_way(report: RunReport, diagnosis: Diagnosis | None) -> Section | None:
    """The heat map of part and level, and the ranking with its evidence."""
    blocks: list[Block] = []
    held = stretches(report.run)
    rows = saturation(held)
    if rows:
        names = [f"{TIER_NAMES.get(row.tier, row.tier)} {row.resource}" for row in rows]
        share = np.array([row.utilisation for row in rows])
        first = diagnosis.first if diagnosis else None
        rates = [f"{level.rate_per_s:.3g}" for level in held]
        blocks.append(_saturation(names, rates, share, _row_of(first, names) if first else ""))
    if diagnosis is not None:
        blocks += bottleneck.blocks(diagnosis)
    lead = "Numbers are per cent of what each part can give; those from 60 up and the last ones are written."
    return Section("bottleneck", "What gives way first", lead, blocks) if blocks else None


def _saturation(names: list[str], rates: list[str], share: Floats, first: str) -> Chart:
    if len(names) > _MOST_ROWS:
        keep = sorted(np.argsort(-np.nan_to_num(share).max(axis=1))[:_MOST_ROWS])
        names, share = [names[number] for number in keep], share[keep]
    chart = SaturationMap(
        "Share of what each part can give, by part and level",
        names,
        rates,
        share,
        "offered rate, arrivals per second",
        names.index(first) if first in names else None,
    )
    rows = [
        [name, *(f"{value * 100:.0f}%" if math.isfinite(value) else NONE for value in row)]
        for name, row in zip(names, share.tolist(), strict=True)
    ]
    return Chart(
        "Saturation by part and level",
        draw_saturation(chart, 960, "broad"),
        draw_saturation(chart, 400, "narrow"),
        Figures(["part", *(f"{rate}/s" for rate in rates)], rows),
    )


def _row_of(first: Bottleneck, names: list[str]) -> str:
    """The row of the heat map that a bottleneck is about: the one that shares most words with it."""
    wanted = set(f"{first.tier} {first.resource} {first.name}".lower().replace(",", " ").split())
    shared = {name: len(wanted & set(name.lower().replace(",", " ").split())) for name in names}
    best = max(names, key=lambda name: shared[name], default="")
    return best if best and shared[best] >= 2 else ""


def where_the_time_went(report: RunReport) -> Section | None:
    """Mean time of a request by part, stacked, level by level."""
    levels = [level for level in judged_levels(report) if level.total.parts]
    if len(levels) < 2:
        return None
    told = [level.total.mean_parts_ms() for level in levels]
    names = sorted(
        {name for one in told for name in one}, key=lambda name: (name != "other", name == "pool", name)
    )
    parts = [Part(name, np.array([one.get(name, 0.0) for one in told]), color_of(name)) for name in names]
    rates = [level.rate_per_s for level in levels]
    label = "Mean service time of a request by part, at each level"
    rows = [
        [f"{level.rate_per_s:.3g}/s", *(show_latency(one.get(name, 0.0) * 1e3) for name in names)]
        for level, one in zip(levels, told, strict=True)
    ]
    drawn = Chart(
        "Where the time went, mean of a request",
        draw_parts(parts, rates, label, 960, 300, "broad"),
        draw_parts(parts, rates, label, *NARROW, "narrow"),
        Figures(["level", *names], rows, list(range(len(levels)))),
    )
    lead = "What grows with load is where requests wait. 'other' is what no part of the system explains."
    return Section("parts", "Where the time went", lead, [drawn])


def scaling(report: RunReport) -> Section | None:
    """The Universal Scalability Law over the levels; None where they are too few to fit it."""
    levels = judged_levels(report)
    rate = np.array([level.total.rate_per_s for level in levels])
    load = rate * np.array([level.total.response.mean_us / 1e6 for level in levels])
    usl = fit_usl(load, rate)
    if usl is None:
        return None
    label = "Throughput against requests in the system, with the fitted scalability law"
    rows = [[f"{n:.3g}", show_rate(float(x))] for n, x in zip(load, rate, strict=True)]
    figures = Figures(["in the system", "throughput"], rows, load.tolist())
    drawn = Chart(
        "Throughput against requests in the system",
        draw_scalability(usl, load, rate, label, 960, 320, "broad"),
        draw_scalability(usl, load, rate, label, *NARROW, "narrow"),
        figures,
        f"Contention {usl.alpha:.3g}, coherency {usl.beta:.2g}, R² {usl.r_squared:.3f}. {usl.sentence}",
    )
    lead = "Universal Scalability Law; the band holds 90%. What lies beyond the tested load is hatched."
    return Section("scaling", "How it scales", lead, [drawn])


def headroom(found: Headroom | None) -> Section | None:
    """Until when it lasts, how many instances it takes, and whether the connections add up."""
    if found is None:
        return None
    columns = [
        Column("Tier", number=False),
        Column("Utilisation at the peak"),
        Column("With one lost"),
        Column("Needed at the target"),
        Column("So that one may be lost"),
    ]
    rows = [_needed(tier, need) for tier, need in found.tiers]
    blocks: list[Block] = [Note(found.sentence, "good" if found.ratio >= 0 else "bad")]
    if rows:
        blocks.append(Table("Instances for the forecast peak", columns, rows))
    if found.connections:
        blocks.append(_connections(found))
    if found.warnings:
        blocks.append(Note("", "warn", [sentence(text) for text in found.warnings]))
    return Section("headroom", "Until when it lasts", "Against the forecast, at its growth.", blocks)


def _needed(tier: str, need: Instances) -> list[Cell]:
    lost = need.utilisation_one_lost
    tone: Tone = "bad" if lost > 1 else ""
    return [
        Cell(tier),
        Cell(show_ratio(need.utilisation)),
        Cell(show_ratio(lost) if math.isfinite(lost) else "none left", tone=tone),
        Cell(str(need.at_target)),
        Cell(str(need.with_one_lost)),
    ]


def _connections(found: Headroom) -> Table:
    columns = [
        Column("Server", number=False),
        Column("Pools may open"),
        Column("max_connections"),
        Column("How it adds up", number=False, wide=True),
    ]
    rows = [
        [
            Cell(one.server),
            Cell(str(one.most), tone="bad" if one.most > one.max_connections else ""),
            Cell(str(one.max_connections)),
            Cell(
                " + ".join(
                    f"{pool.pool}: {pool.instances} x {pool.workers} x {pool.size}" for pool in one.pools
                )
            ),
        ]
        for one in found.connections
    ]
    return Table("Connection arithmetic: instances x workers x pool", columns, rows)


def levels(capacity: Capacity) -> Section | None:
    """Every level of the search, in its order."""
    if not capacity.levels:
        return None
    columns = [
        Column("Level"),
        Column("Purpose", number=False),
        Column("Offered"),
        Column("Achieved"),
        Column("Held"),
        *(Column(limit.slo.text, what="Over the limit, of what is allowed") for limit in capacity.limits),
        Column("Outcome", number=False),
    ]
    tones: dict[str, Tone] = {"pass": "good", "fail": "bad", "unclear": "warn", "invalid": "warn"}
    rows = [
        [
            Cell(str(level.number + 1), sort=level.number),
            Cell(level.purpose, "; ".join(level.problems)),
            Cell(show_rate(level.rate_per_s), sort=level.rate_per_s),
            Cell(show_rate(level.achieved_per_s), sort=level.achieved_per_s),
            Cell(f"{level.seconds} s", sort=level.seconds),
            *(
                Cell(show_ratio(share), sort=share, tone="bad" if share > 1 else "")
                for share, _ in zip(level.shares, capacity.limits, strict=False)
            ),
            Cell(level.outcome, pill=True, tone=tones[level.outcome]),
        ]
        for level in capacity.levels
    ]
    lead = "In order of time. Under each objective: how much was over its limit, of what is allowed."
    return Section(
        "levels", "Every level", lead, [Table("Levels of the search", columns, rows, sortable=True)]
    )
