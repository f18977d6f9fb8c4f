"""Times that a server was out, and how long the load balancer took to route around it."""

from __future__ import annotations

from analysis.rerouting import Rerouting, reroutings
from reports.charts.axes import clock
from reports.parts import Block, Cell, Column, Table
from reports.run_data import RunReport
from reports.words import NONE, show_count
from results.units import show_duration


def rerouted(report: RunReport) -> list[Block]:
    """A row for each time; nothing where no server was out."""
    found = reroutings(report.samples, report.run.gaps, report.run.events)
    if not found:
        return []
    columns = [
        Column("Server that was out", number=False),
        Column("First sign"),
        Column("By", number=False),
        Column("Traffic moved after", what="to the second, as servers are asked once a second"),
        Column("Sent again"),
        Column("Failed"),
        Column("Back"),
    ]
    title = "Routing around servers that were out"
    return [Table(title, columns, [_row(one) for one in found], titled=True)]


def _row(one: Rerouting) -> list[Cell]:
    took = one.took_s
    words = "never" if took is None else show_duration(took) if took else "within 1 s"
    return [
        Cell(one.server),
        Cell(clock(one.began_s), sort=one.began_s),
        Cell(one.sign),
        Cell(words, sort=took, strong=True, tone="bad" if took is None else ""),
        Cell(show_count(round(one.sent_again)), sort=one.sent_again),
        Cell(show_count(round(one.failed)), sort=one.failed, tone="bad" if one.failed else "muted"),
        Cell(NONE if one.back_s is None else clock(one.back_s), sort=one.back_s),
    ]
