"""What gives way first on a capacity page: how full each part was by level, the ranking, and the demands."""

from __future__ import annotations

import math

import numpy as np

from analysis.bottleneck import Bottleneck, SaturationRow, unsteady
from analysis.bottleneck.resources import TIER_NAMES
from analysis.capacity import Review
from reports.charts.saturation import SaturationMap, draw_saturation
from reports.parts import Block, Cell, Chart, Column, Figures, Section, Table
from reports.run_data import RunReport
from reports.sections import bottleneck
from reports.words import NONE, counted
from results.units import show_latency, three_digits

_MOST_ROWS = 18
_MOST_COLUMNS = 8
WAITS = 0.5
"""So many waiting on average are marked in the heat map."""


def gives_way(report: RunReport, told: Review) -> Section | None:
    """The heat map of part and level, and the ranking with its evidence."""
    blocks: list[Block] = []
    rows = _fullest([row for row in told.saturation if _says_something(row)])
    if rows:
        blocks.append(_saturation(rows, _rates(told), told.first))
    blocks += bottleneck.blocks(told.diagnosis, {panel.tier for panel in report.panels}, "#levels")
    lead = (
        "How full each part was at each rate, in per cent of what it can give; of a tier's processes the"
        " busiest counts. Numbers are written from 60% up, and always at the highest rate. A dot: requests"
        " waited for it, or it refused or failed some; 'Figures' says how many."
    )
    return Section("bottleneck", "What gives way first", lead, blocks) if blocks else None


def _rates(told: Review) -> list[str]:
    return [f"{one.point.rate_per_s:.3g}" for one in told.held]


def _says_something(row: SaturationRow) -> bool:
    """Whether it can be full, or something waited for it: row locks without anybody waiting are no news."""
    return bool(np.isfinite(row.utilisation).any()) or any(_marks(row))


def _fullest(rows: list[SaturationRow]) -> list[SaturationRow]:
    """As many as have room, in their order: those that were waited for, then the fullest."""
    if len(rows) <= _MOST_ROWS:
        return rows
    peaks = [float(np.nan_to_num(row.utilisation).max()) + any(_marks(row)) for row in rows]
    return [rows[number] for number in sorted(np.argsort(peaks)[-_MOST_ROWS:])]


def _name(row: SaturationRow) -> str:
    return f"{TIER_NAMES.get(row.tier, row.tier)} {row.resource}"


def _saturation(rows: list[SaturationRow], rates: list[str], first: Bottleneck | None) -> Chart:
    names = [_name(row) for row in rows]
    chart = SaturationMap(
        "Share of what each part can give, by part and level",
        names,
        rates,
        np.array([row.utilisation for row in rows]),
        "offered rate, arrivals per second",
        names.index(first.use) if first is not None and first.use in names else None,
        marked=np.array([_marks(row) for row in rows]),
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


def _marks(row: SaturationRow) -> list[bool]:
    """The levels at which something waited for it, or met an error."""
    return [waiting >= WAITS or errors > 0 for _, waiting, errors in _cells(row)]


def _words(utilisation: float, waiting: float, errors: float) -> str:
    """`63%`, how many waited, and how many it refused or failed."""
    words = f"{utilisation * 100:.0f}%" if math.isfinite(utilisation) else NONE
    words += f", {three_digits(waiting)} waiting" if waiting >= WAITS / 10 else ""
    return words + (f", {counted(round(errors), 'error')}" if errors > 0 else "")


def demands(told: Review) -> Section | None:
    """What an arrival takes of each part, level by level, and whether what was in flight fits its time."""
    rows = [row for row in told.saturation if np.nansum(row.demand_s) > 0]
    if not rows:
        return None
    rates = _rates(told)
    shown = _spread(len(rates))
    columns = [Column("Part", number=False), *(Column(f"{rates[n]}/s") for n in shown)]
    cells: list[list[Cell]] = []
    for row in rows:
        cells.append([Cell(_name(row)), *(_seconds(row.demand_s[n]) for n in shown)])
        cells += [
            [Cell(f"{_name(row)}: {process}", tone="muted"), *(_seconds(each[n]) for n in shown)]
            for process, each in row.by_process.items()
        ]
    lead = (
        "Seconds of a part in use / arrivals served (the utilisation law): CPU by process, connections by the"
        " time they are held, row locks by the time they are waited for. What stays alike from level to level"
        " is what an arrival costs; what grows is waiting that holds it."
    )
    if len(shown) < len(rates):
        lead += f" {len(shown)} of {len(rates)} levels; all of them are in the JSON."
    tables: list[Block] = [Table("Demand", columns, cells), _in_flight(told)]
    return Section("demand", "What an arrival takes of each part", lead, tables)


def _spread(levels: int) -> list[int]:
    """Places of at most eight levels, spread evenly, the first and the last among them."""
    return sorted({round(at) for at in np.linspace(0, levels - 1, min(levels, _MOST_COLUMNS))})


def _seconds(demand_s: float) -> Cell:
    return Cell(show_latency(demand_s * 1e6) if math.isfinite(demand_s) else NONE, sort=demand_s)


def _in_flight(told: Review) -> Table:
    """Little's law at each level."""
    columns = [
        Column("Rate"),
        Column("In flight", what="Arrivals begun and not ended, one look a second, on average"),
        Column("Rate x time", what="Arrivals served per second x the time that one is under way"),
        Column("", number=False, wide=True),
    ]
    rows = [
        [
            Cell(f"{rate}/s"),
            Cell(three_digits(one.little.in_system)),
            Cell(f"{'at most ' if one.little.at_most else ''}{three_digits(one.little.expected)}"),
            Cell("not steady", pill=True, tone="warn") if unsteady(one.little) else Cell(""),
        ]
        for rate, one in zip(_rates(told), told.held, strict=True)
    ]
    caption = "Little's law: what is in flight is rate x time while a level is steady"
    return Table(caption, columns, rows, titled=True)
