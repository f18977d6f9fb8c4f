"""A comparison on a terminal: the runs, what differs, and the endpoints that changed most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analysis.compare.words import show_change
from analysis.difference import OVERALL, Change
from analysis.endpoints import EndpointTotal
from analysis.environment import differences
from reports.compare_page import TABLE_SHARES, Compared, comparison_answer, endpoint_shifts
from reports.sections.endpoint_changes import by_size, told_change
from reports.words import NONE, counted
from results.units import show_latency, show_rate, show_ratio

MOST_ENDPOINTS = 12


def comparison_lines(compared: Compared) -> Iterator[str]:
    """The answer, a line a run, a line an endpoint (largest change first), and what differs around them."""
    others = range(1, len(compared.names))
    changes = [compared.change(number, OVERALL, TABLE_SHARES) for number in others]
    told = comparison_answer(compared.names, changes)
    yield told.sentence
    yield from _aligned([["run", "requests", "p50", "p99", "errors", ""], *_runs(compared)])
    totals, shifts = compared.totals(), endpoint_shifts(compared)
    overall: list[EndpointTotal | None] = [report.overall for report in compared.reports]
    rows = [["p99", *compared.names], ["all", *_cells(overall, [*map(_at_p99, changes)])]]
    ordered = by_size(shifts)
    rows += [
        [name, *_cells(totals[name], [*map(told_change, shifts[name])])] for name in ordered[:MOST_ENDPOINTS]
    ]
    yield from _aligned(rows)
    if len(ordered) > MOST_ENDPOINTS:
        yield f"  and {counted(len(ordered) - MOST_ENDPOINTS, 'endpoint')} more on the page"
    for one in differences([run.environment for run in compared.runs]):
        yield f"differs: {one.text}"
    yield from (f"doubt: {doubt}" for doubt in compared.doubts)
    yield f"{told.why} {told.advice}"


def _runs(compared: Compared) -> Iterator[list[str]]:
    for report, name in zip(compared.reports, compared.names, strict=True):
        overall = report.overall
        p50, p99 = (show_latency(value) for value in overall.response.quantiles_us([0.5, 0.99]).tolist())
        doubt = f"not valid: {report.doubts[0].text}" if report.doubts else ""
        named = name if name == report.run.id else f"{name} ({report.run.id})"
        yield [named, show_rate(overall.rate_per_s), p50, p99, show_ratio(overall.error_ratio), doubt]


def _at_p99(change: Change | None) -> str:
    if change is None:
        return NONE
    return show_change(float(change.change[-1]), True) if bool(change.is_significant[-1]) else "~"


def _cells(totals: Sequence[EndpointTotal | None], changes: Sequence[str]) -> Iterator[str]:
    for total, change in zip(totals, ["", *changes], strict=True):
        p99 = NONE if total is None else f"{show_latency(total.response.quantile_us(0.99))} {change}"
        yield p99.strip()


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        first, *rest = (f"{text:<{width}}" for text, width in zip(row, widths, strict=True))
        yield "  ".join(["", first, *rest]).rstrip()
