"""What gives way first on a capacity page: how full each part was by level, the ranking, and the demands."""

from __future__ import annotations

import math

import numpy as np

from analysis.bottleneck import Bottleneck, SaturationRow
from analysis.bottleneck.resources import TIER_NAMES
from analysis.capacity import Review
from reports.charts.saturation import SaturationMap, draw_saturation
from reports.parts import Block, Cell, Chart, Column, Figures, Section, Table
from reports.run_data import RunReport
from reports.sections import bottleneck
from reports.words import NONE
from results.units import show_latency, three_digits

_MOST_ROWS = 18
WAITS = 0.5
"""So many waiting on average are marked in the heat map."""


def gives_way(report: RunReport, told: Review) -> Section | None:
    """The heat map of part and level, and the ranking with its evidence."""
    blocks: list[Block] = []
    rows = _fullest(told.saturation)
    if rows:
        blocks.append(_saturation(rows, _rates(told), told.first))
    blocks += bottleneck.blocks(told.diagnosis, {panel.tier for panel in report.panels}, "#levels")
    lead = (
        "How full each part was at each rate, in per cent of what it can give. Numbers are written from 60%"
        " up, and always at the highest rate. A dot: requests waited for it, or were refused; 'Figures' says"
        " how many."
    )
    return Section("bottleneck", "What gives way first", lead, blocks) if blocks else None


def _rates(told: Review) -> list[str]:
    return [f"{one.point.rate_per_s:.3g}" for one in told.held]


def _fullest(rows: list[SaturationRow]) -> list[SaturationRow]:
    """As many as have room, in their order."""
    if len(rows) <= _MOST_ROWS:
        return rows
    peaks = [float(np.nan_to_num(row.utilisation).max()) for row in rows]
    return [rows[number] for number in sorted(np.argsort(peaks)[-_MOST_ROWS:])]


def _name(row: SaturationRow) -> str:
    return f"{TIER_NAMES.get(row.tier, row.tier)} {row.resource}"


def _saturation(rows: list[SaturationRow], rates: list[str], first: Bottleneck | None) -> Chart:
    names = [_name(row) for row in rows]
    of_first = _row_of(first, names) if first else ""
    chart = SaturationMap(
        "Share of what each part can give, by part and level",
        names,
        rates,
        np.array([row.utilisation for row in rows]),
        "offered rate, arrivals per second",
        names.index(of_first) if of_first else None,
        marked=np.array(
            [[waiting >= WAITS or errors > 0 for _, waiting, errors in _cells(row)] for row in rows]
        ),
    )
    figures = [
        [name, *(_words(*cell) for cell in _cells(row))] for name, row in zip(names, rows, strict=True)
    ]
    return Chart(
        "Saturation by part and level",
        draw_saturation(chart, 960, "broad"),
        draw_saturation(chart, 400, "narrow"),
        Figures(["part", *(f"{rate}/s" for rate in rates)], figures),
    )


def _cells(row: SaturationRow) -> list[tuple[float, float, float]]:
    """Utilisation, waiting and errors of each level."""
    return list(zip(row.utilisation, row.waiting, row.errors, strict=True))


def _words(utilisation: float, waiting: float, errors: float) -> str:
    """`63%`, and what waited and was refused where something was."""
    words = f"{utilisation * 100:.0f}%" if math.isfinite(utilisation) else NONE
    words += f", {three_digits(waiting)} waiting" if waiting >= WAITS / 10 else ""
    return words + (f", {errors:,.0f} refused" if errors > 0 else "")


def _row_of(first: Bottleneck, names: list[str]) -> str:
    """The row of the heat map that a bottleneck is about: the one that shares most words with it."""
    wanted = set(f"{first.tier} {first.resource} {first.name}".lower().replace(",", " ").split())
    shared = {name: len(wanted & set(name.lower().replace(",", " ").split())) for name in names}
    best = max(names, key=lambda name: shared[name], default="")
    return best if best and shared[best] >= 2 else ""


def demands(told: Review) -> Section | None:
    """What an arrival takes of each part, level by level: what bounds and what-ifs are made of."""
    rows = [row for row in told.saturation if np.nansum(row.demand_s) > 0]
    if not rows:
        return None
    columns = [Column("Part", number=False), *(Column(f"{rate}/s") for rate in _rates(told))]
    cells = [
        [
            Cell(_name(row)),
            *(Cell(show_latency(s * 1e6) if math.isfinite(s) else NONE, sort=s) for s in row.demand_s),
        ]
        for row in rows
    ]
    lead = (
        "Seconds of a part in use / arrivals served (the utilisation law): CPU by process, connections by the"
        " time they are held. What stays alike from level to level is what an arrival costs; what grows is"
        " waiting that holds it."
    )
    return Section("demand", "What an arrival takes of each part", lead, [Table("Demand", columns, cells)])
