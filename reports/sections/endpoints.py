"""The endpoint table, for the whole steady part and for each held level, and where the time went."""

from __future__ import annotations

import math

from analysis.breakdown import in_order
from analysis.endpoints import EndpointTable, EndpointTotal, added
from reports.parts import Block, Cell, Column, More, Section, Segment, Stack, Stacks, Switch, Table, Tone
from reports.run_data import RunReport
from reports.words import show_bytes
from results import Slo
from results.units import show_latency, show_rate, show_ratio

_COLORS = {
    "pool": "orange",
    "db": "accent",
    "cache": "green",
    "render": "violet",
    "API": "ink",
    "own work": "muted",
    "outside": "grey",
    "other": "grey",
}
_MOST_STACKS = 8

_COLUMNS = [
    Column("Endpoint", number=False),
    Column("Rate"),
    Column("Errors"),
    Column("p50"),
    Column("p95"),
    Column("p99"),
    Column("Max"),
    Column("Service p99", what="Counted from when the request was sent"),
    Column("Answer", what="Mean bytes received"),
]


def endpoints(report: RunReport) -> Section | None:
    """Sortable tables; requests outside arrivals stand apart."""
    if not report.table.rows and not report.table.setup_rows:
        return None
    whole = _table("Endpoints", report.table, report.run.slos)
    ranges = [(name, _table(f"Endpoints at {name}", part, report.run.slos)) for name, part in report.ranges]
    blocks: list[Block] = [Switch("Range of the run", [("Steady part", whole), *ranges]) if ranges else whole]
    stacks = _stacks(report)
    if stacks is not None:
        blocks.append(stacks)
    if report.table.setup_rows:
        rows = [_row(total, [], setup=True) for total in report.table.setup_rows]
        table = Table("Requests outside arrivals", _COLUMNS, rows)
        blocks.append(More("Requests outside arrivals, in no figure above", [table]))
    lead = "Response times, the slowest p99 first. A red figure missed its objective."
    return Section("endpoints", "Endpoints", lead, blocks)


def _table(caption: str, table: EndpointTable, slos: list[Slo]) -> Table:
    rows = [_row(total, slos) for total in table.rows]
    foot = [_row(added(table.rows, table.span_s), slos)] if len(rows) > 1 else []
    return Table(caption, _COLUMNS, rows, sortable=True, foot=foot)


def _row(total: EndpointTotal, slos: list[Slo], *, setup: bool = False) -> list[Cell]:
    response = total.response
    mine = [
        slo
        for slo in slos
        if slo.endpoint in (total.endpoint.name, None if total.endpoint.name == "all" else "")
    ]
    cells = [
        Cell(total.endpoint.name, total.endpoint.kind),
        Cell(
            "–" if setup else show_rate(total.rate_per_s),
            f"{total.requests:,}" if setup else "",
            total.rate_per_s,
        ),
        Cell(show_ratio(total.error_ratio), sort=total.error_ratio, tone=_error_tone(total, mine)),
    ]
    for q, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"), (1.0, "max")):
        value = response.max_us if q == 1 else response.quantile_us(q)
        missed = any(slo.figure == name and value > slo.limit for slo in mine)
        cells.append(Cell(show_latency(value), sort=value, tone="bad" if missed else "", strong=missed))
    service = total.service.quantile_us(0.99)
    cells.append(Cell(show_latency(service), sort=service, tone="muted"))
    cells.append(Cell(show_bytes(total.mean_bytes), sort=total.mean_bytes, tone="muted"))
    return cells


def _error_tone(total: EndpointTotal, slos: list[Slo]) -> Tone:
    limit = next((slo.limit for slo in slos if slo.metric == "errors"), math.inf)
    return "bad" if total.error_ratio > limit else "" if total.failed else "muted"


def _stacks(report: RunReport) -> Stacks | None:
    """Mean service time of each endpoint, cut into what the system says it was spent on."""
    told = [total for total in report.table.rows if total.parts and total.requests]
    if not told:
        return None
    told.sort(key=lambda total: -total.service.mean_us * total.requests)
    longest = max(total.service.mean_us for total in told)
    stacks = [_stack(total, longest) for total in told[:_MOST_STACKS]]
    small = (
        "By Server-Timing, the largest share of all time first. Own work is the rest of the server's time,"
        " outside is between the generator and the server: network, load balancer, a connection's wait."
    )
    if len(told) > _MOST_STACKS:
        small += f" {len(told) - _MOST_STACKS} more endpoints are left out."
    return Stacks("Where the time went, mean of a request", stacks, small)


def _stack(total: EndpointTotal, longest_us: float) -> Stack:
    parts = in_order(total.mean_parts_ms())
    scale = max(longest_us / 1e3, sum(ms for _, ms in parts), 1e-9)
    segments = [
        Segment(name, ms / scale, show_latency(ms * 1e3), _COLORS.get(name, "baseline"))
        for name, ms in parts
        if ms > 0
    ]
    return Stack(total.endpoint.name, show_latency(total.service.mean_us), segments)
