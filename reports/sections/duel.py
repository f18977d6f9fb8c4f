"""Sections of a duel beside its gate table: each pair, and all pairs' percentiles."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.compare.effect import abba
from analysis.compare.figures import OVERALL, Figures
from analysis.compare.words import show_change, show_value
from reports.parts import Cell, Column, Section, Table
from reports.sections.comparison import overlaid_spectra
from reports.words import NONE
from results import Histogram, Run

Pairs = Sequence[tuple[Figures, Figures]]
_NAMES = ("baseline", "candidate")


def spectra(baseline: Sequence[Run], candidate: Sequence[Run]) -> Section | None:
    """The response times of all runs of each side on each other."""
    sides = [
        Histogram.merged(run.merged(start_s=run.warmup_s, end_s=run.duration_s) for run in side)
        for side in (baseline, candidate)
    ]
    return overlaid_spectra(sides, _NAMES, lead="All runs of each side, their steady parts.")


def each_pair(pairs: Pairs) -> Section | None:
    """What every pair showed, in the order of the runs: how steady the figures are."""
    if not pairs:
        return None
    columns = [
        Column("Pair", number=False),
        Column("First", number=False),
        *(Column(f"{figure}, {side}") for figure in ("Typical", "p99") for side in _NAMES),
        Column("Typical changed"),
        Column("p99 changed"),
    ]
    rows = []
    for number, sides in enumerate(pairs, start=1):
        cells = [Cell(str(number)), Cell(abba(number)[-2])]
        changes = []
        for metric in ("typical", "p99"):
            values = [side.values.get((OVERALL, metric)) for side in sides]
            cells += [Cell(NONE if value is None else show_value(value, "us")) for value in values]
            before, after = values
            changes.append(Cell(show_change(after / before - 1, True) if before and after else NONE))
        rows.append([*cells, *changes])
    lead = "The verdict rests on how these changes scatter, not on their mean alone."
    return Section("pairs", "Each pair", lead, [Table("Each pair", columns, rows)])
