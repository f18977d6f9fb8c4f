"""The sections of a capacity page that look ahead: how it scales, what a change does, until when it lasts."""

from __future__ import annotations

import math
from collections.abc import Collection

from analysis.bottleneck.resources import TIER_NAMES
from analysis.capacity import Review
from analysis.capacity.scaling import Scaling
from analysis.connections import Connections
from analysis.headroom import Headroom, Need, PoolNeed
from reports.charts.levels import ScalingChart, draw_scalability
from reports.parts import Block, Cell, Chart, Column, Figures, Note, Section, Table, Tone
from reports.sections.shared import NARROW
from reports.words import NONE, counted, sentence
from results.units import show_latency, show_rate, show_ratio, three_digits

_TONES: dict[bool | None, Tone] = {True: "good", False: "bad", None: "warn"}
"""Of a peak that is carried, that is not, or of which that is not known."""


def scaling(told: Review) -> Section | None:
    """The Universal Scalability Law over the levels, the bounds of operational analysis, and what-ifs."""
    found = told.scaling
    if found is None:
        return None
    blocks: list[Block] = []
    chart = _law(found)
    if chart is not None:
        blocks.append(chart)
    if found.bounds:
        blocks.append(_bounds(found))
    if found.predictions:
        blocks += [_what_if(found), Note("What the predictions assume:", "muted", [*found.assumptions])]
    if found.unexplained:
        blocks.append(Note(found.unexplained, "warn"))
    lead = "The band holds 90% of what the levels allow. Hatched is what lies beyond the tested load."
    return Section("scaling", "How it scales", lead, blocks) if blocks else None


def _law(found: Scaling) -> Chart | None:
    usl = found.usl
    if usl is None:
        return None
    label = "Throughput against requests in the system, with the fitted scalability law and the bounds"
    bound = found.bounds[0] if found.bounds else None
    drawn = ScalingChart(label, usl, found.load, found.rate_per_s, bound, found.unloaded_s)
    rows = [
        [three_digits(n), show_rate(x)]
        for n, x in zip(found.load.tolist(), found.rate_per_s.tolist(), strict=True)
    ]
    return Chart(
        "Throughput against requests in the system",
        draw_scalability(drawn, 960, 320, "broad"),
        draw_scalability(drawn, *NARROW, "narrow"),
        Figures(["in the system", "throughput"], rows, found.load.tolist()),
        f"Universal Scalability Law: contention {_coefficient(usl.alpha)},"
        f" coherency {_coefficient(usl.beta)}, R² {usl.r_squared:.3f}. {usl.sentence}",
    )


def _coefficient(value: float) -> str:
    """Three digits; what is too small to matter at any load is none."""
    return f"{value:.3g}" if value >= 1e-7 else "0"


def _bounds(found: Scaling) -> Table:
    columns = [
        Column("What", number=False),
        Column("Most it can give"),
        Column("A request keeps all of it for"),
    ]
    rows = [
        [
            Cell(name, href="#demand"),
            Cell(show_rate(rate), sort=rate),
            Cell(show_latency(1e6 / rate), tone="muted"),
        ]
        for name, rate in found.bounds[:6]
    ]
    return Table("What throughput cannot exceed: servers / demand of each, the tightest first", columns, rows)


def _what_if(found: Scaling) -> Table:
    columns = [
        Column("What if", number=False),
        Column("Now"),
        Column("Then, by the model"),
        Column("Change"),
        Column("Limited by", number=False, wide=True),
    ]
    rows = [
        [
            Cell(one.change, href="#demand"),
            Cell(show_rate(one.before_per_s)),
            Cell(show_rate(one.after_per_s), strong=one.gain >= 0.02),
            Cell(f"{one.gain:+.0%}" if abs(one.gain) >= 0.005 else "~"),
            Cell(one.limited_by),
        ]
        for one in found.predictions
    ]
    return Table("What a change would do to the highest rate within the objectives", columns, rows)


def headroom(told: Review, watched: Collection[str]) -> Section | None:
    """Until when it lasts, what it takes, and whether the connections add up (which is always checked).

    `watched` are the tiers with a section of their own on the page: what is said of them links there.
    """
    found, blocks = told.headroom, list[Block]()
    if found is not None:
        blocks.append(Note(found.sentence, _TONES[found.carries]))
        blocks += _needs(found, watched)
    if told.connections:
        blocks.append(_connections(told.connections, watched))
    if told.warnings:
        hrefs = [_evidence(text.partition(":")[0], watched) for text in told.warnings]
        blocks.append(Note("", "warn", [sentence(text) for text in told.warnings], hrefs))
    elif told.connections:
        blocks.append(Note("The connections add up, with one more instance too.", "good"))
    if not blocks:
        return None
    if found is None:
        # Without a rate that is claimed, no forecast is held against it, given or not.
        if told.stated.carried_per_s is None:
            return Section("headroom", "Connections", "No rate is claimed that could last.", blocks)
        return Section("headroom", "Connections", "No forecast was given: see --forecast.", blocks)
    lead = (
        f"Against {found.peak_words}, {found.forecast.words}. Needed: so that"
        f" each is {found.target:.0%} busy at the peak. Instances are counted as if nothing behind them"
        " filled up first: see what gives way."
    )
    return Section("headroom", "Until when it lasts", lead, blocks)


def _evidence(tier: str, watched: Collection[str]) -> str:
    """Where the page shows what is known of a tier: its own section, else the settings of the system."""
    if tier not in TIER_NAMES:
        return ""
    return f"#tier-{tier}" if tier in watched else "#environment"


def _needs(found: Headroom, watched: Collection[str]) -> list[Block]:
    columns = [
        Column("What", number=False),
        Column("Peak"),
        Column("Now"),
        Column("Busy at the peak"),
        Column("With one instance lost"),
        Column("Needed"),
        Column("Needed if one may be lost"),
    ]
    by = "by the rate tested" if found.at_least else ""
    rows = [row for need in found.needs for row in _need_rows(need, by, watched)]
    return [Table("What the forecast needs", columns, rows)] if rows else []


def _need_rows(need: Need, by: str, watched: Collection[str]) -> list[list[Cell]]:
    """The rows of one peak; `by` qualifies what follows from the rate that is carried."""
    rows = []
    for tier, one in need.tiers:
        now = round(one.peak_per_s / one.utilisation / one.capacity_per_instance_s)
        lost = one.utilisation_one_lost
        rows.append(
            _row(
                f"{TIER_NAMES.get(tier, tier).removesuffix(' instances')} instances", need, now,
                one.utilisation, lost, one.at_target, one.with_one_lost, "#levels",
                f"at most, {by}" if by else "",
            )
        )  # fmt: skip
    rows += [_pool_row(need, one) for one in need.pools]
    rows += [
        _row(
            f"{TIER_NAMES.get(server, server)} connections", need, limit, needed / limit, None, needed, None,
            _evidence(server, watched), by,
        )
        for server, needed, limit in need.servers
    ]  # fmt: skip
    return rows


def _pool_row(need: Need, one: PoolNeed) -> list[Cell]:
    use = one.use
    left = use.most - use.workers * use.size
    lost = one.in_use / left if left else None
    of = counted(use.instances, "instance")
    of += f" x {counted(use.workers, 'worker')}" if use.workers > 1 else ""
    name = f"{TIER_NAMES.get(use.tier, use.tier)} {use.pool} pool, each of {of}"
    return _row(
        name, need, use.size, one.in_use / use.most, lost, one.at_target, one.with_one_lost, "#demand"
    )


def _row(
    name: str,
    need: Need,
    now: int,
    busy: float,
    lost: float | None,
    needed: int,
    safe: int | None,
    href: str,
    small: str = "",
) -> list[Cell]:
    tone: Tone = "bad" if lost is not None and lost > 1 else ""
    shown = NONE if lost is None else show_ratio(lost) if math.isfinite(lost) else "none left"
    short: Tone = "bad" if needed > now else ""
    return [
        Cell(name, small, href=href),
        Cell(show_rate(need.peak_per_s), need.when),
        Cell(f"{now:,}"),
        Cell(show_ratio(busy), tone="bad" if busy > 1 else ""),
        Cell(shown, tone=tone),
        Cell(f"{needed:,}", tone=short, strong=bool(short)),
        Cell(f"{safe:,}" if safe is not None else NONE),
    ]


def _connections(found: tuple[Connections, ...], watched: Collection[str]) -> Table:
    columns = [
        Column("Server", number=False),
        Column("Pools may open"),
        Column("max_connections"),
        Column("How it adds up: instances x workers x pool", number=False, wide=True),
    ]
    rows = [
        [
            Cell(TIER_NAMES.get(one.server, one.server), href=_evidence(one.server, watched)),
            Cell(f"{one.most:,}" if one.pools else NONE, tone="bad" if one.refuses else ""),
            Cell(NONE if one.max_connections is None else f"{one.max_connections:,}"),
            Cell(one.sum_words),
        ]
        for one in found
    ]
    return Table("Connection arithmetic", columns, rows)
