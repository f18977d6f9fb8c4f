"""The page that sets 2 to 10 single runs beside each other, for the eye: the first one is the baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from analysis.compare.facts import costs_below
from analysis.compare.words import show_change
from analysis.difference import OVERALL, Blocks, Change, change_of
from analysis.endpoints import EndpointTotal
from analysis.environment import comparable
from analysis.slo import steady_spans
from reports.charts.change import draw_change, nines_of
from reports.parts import (
    Answer,
    Block,
    Cell,
    Chart,
    Column,
    Fact,
    Figures,
    Note,
    Page,
    Section,
    Switch,
    Table,
    kept,
)
from reports.run_data import RunReport, read_report
from reports.sections import below, comparison
from reports.sections.answer import p99_us
from reports.sections.endpoint_changes import SHARES, endpoint_changes
from reports.sections.shared import NARROW
from reports.words import counted
from results import Run, UsageError
from results.units import show_latency, show_rate, show_ratio, three_digits

MOST_RUNS = 10
_SHARES = 1 - 10.0 ** -np.linspace(0.1, 3, 40)
TABLE_SHARES = (0.5, 0.95, 0.99)


@dataclass(frozen=True)
class Compared:
    """2 to 10 runs that were read, with names that tell them apart; the first is the baseline."""

    reports: list[RunReport]
    names: list[str]
    blocks: list[Blocks]

    @property
    def runs(self) -> list[Run]:
        """The runs themselves."""
        return [report.run for report in self.reports]

    @property
    def doubts(self) -> list[str]:
        """Why the runs should not be compared, or not be trusted, as sentences."""
        return [f"{reason}." for reason in comparable(self.runs)]

    def change(self, number: int, endpoint: str, shares: Sequence[float]) -> Change | None:
        """How an endpoint (or all) of a run differs from the baseline; None where one has no requests."""
        return _change(self.blocks[0], self.blocks[number], endpoint, shares)

    def totals(self) -> dict[str, list[EndpointTotal | None]]:
        """Each endpoint's total by run, None where a run has none of it."""
        tables = [{total.endpoint.name: total for total in one.table.rows} for one in self.reports]
        return {name: [table.get(name) for table in tables] for name in sorted({*chain(*tables)})}


def read_compared(runs: Sequence[Run]) -> Compared:
    """Read the runs. Raises UsageError unless there are 2 to 10."""
    if not 2 <= len(runs) <= MOST_RUNS:
        raise UsageError(f"compare takes 2 to {MOST_RUNS} runs, not {len(runs)}")
    blocks = [Blocks(steady_spans(run)) for run in runs]
    reports = [read_report(run, one) for run, one in zip(runs, blocks, strict=True)]
    return Compared(reports, comparison.names_of(runs), blocks)


def comparison_page(compared: Compared) -> Page:
    """The page's data."""
    runs, reports, names = compared.runs, compared.reports, compared.names
    changes = [compared.change(number, OVERALL, TABLE_SHARES) for number in range(1, len(runs))]
    costs = [[costs_below(one.run, one.samples, one.overall.requests)] for one in reports]
    sections = [
        _table(compared),
        comparison.overlaid_curves(reports, names),
        comparison.overlaid_spectra(
            [report.overall.response for report in reports], names, *_difference(compared)
        ),
        endpoint_changes(compared.totals(), endpoint_shifts(compared), names),
        comparison.overlaid_time(reports, names),
        comparison.side_by_side(reports, names),
        below.statements(costs, names),
        below.key_classes(costs, names),
        comparison.differences(runs, names),
    ]
    told = comparison_answer(names, changes)
    return Page(
        title=told.sentence,
        kicker=["Comparison", runs[0].scenario, counted(len(runs), "run")],
        when=f"{runs[-1].started_at:%-d %b %Y %H:%M %Z}",
        answer=told,
        facts=[_fact(report, name) for report, name in list(zip(reports, names, strict=True))[:4]],
        sections=kept(sections),
        foot="Runs: " + ", ".join(run.id for run in runs),
    )


def _change(before: Blocks, after: Blocks, name: str, shares: Sequence[float]) -> Change | None:
    if name not in before.counts or name not in after.counts:
        return None
    return change_of(before.counts[name], after.counts[name], list(shares), draws=120)


def comparison_answer(names: Sequence[str], changes: Sequence[Change | None]) -> Answer:
    """Whether p99 differs, and of which run most, of those whose change is beyond chance.

    `changes` are at TABLE_SHARES, of each run but the first.
    """
    known = [(name, one) for name, one in zip(names[1:], changes, strict=True) if one is not None]
    why = "One run of each side: what differs from run to run on the same system is not in the intervals."
    advice = "Use 'harness duel' for a verdict that holds: runs of both sides that take turns."
    if not known:
        return Answer("Nothing to compare: a side has no requests.", why, advice, "warn")
    name, change = max(known, key=lambda pair: (pair[1].is_significant[-1], abs(pair[1].change[-1])))
    p99 = float(change.change[-1])
    if not bool(change.is_significant[-1]):
        told = "No difference in p99 that these runs could show"
        return Answer(f"{told}.", why, advice, accent="No difference")
    others = "" if len(names) == 2 else f" in {name}"
    low, high = float(change.low[-1]), float(change.high[-1])
    if p99 >= 1:
        accent = f"{three_digits(1 + p99)} times as high"
        between = f"{three_digits(1 + low)} to {three_digits(1 + high)}"
        text = f"p99{others} is {accent} as in the baseline ({between})."
    else:
        accent = f"{show_change(abs(p99), True).lstrip('+')} {'higher' if p99 > 0 else 'lower'}"
        between = f"{show_change(low, True)} to {show_change(high, True)}"
        text = f"p99{others} is {accent} than in the baseline ({between})."
    return Answer(text, why, advice, accent=accent, evidence="spectrum")


def _fact(report: RunReport, name: str) -> Fact:
    overall = report.overall
    small = f"p99 at {show_rate(overall.rate_per_s)}, errors {show_ratio(overall.error_ratio)}"
    trust = "" if not report.doubts else "; cannot be trusted"
    return Fact(name, show_latency(p99_us(report)), small + trust, "warn" if trust else "")


def _table(compared: Compared) -> Section:
    reports, names = compared.reports, compared.names
    columns = [
        Column("Run", number=False),
        Column("Requests/s"),
        Column("p50"),
        Column("p95"),
        Column("p99"),
        Column("Errors"),
        Column("Valid", number=False),
    ]
    rows = []
    for report, name in zip(reports, names, strict=True):
        values = report.overall.response.quantiles_us([0.5, 0.95, 0.99])
        cells = [Cell(name, report.run.id if name != report.run.id else "")]
        cells.append(Cell(show_rate(report.overall.rate_per_s), sort=report.overall.rate_per_s))
        cells += [Cell(show_latency(float(value)), sort=float(value)) for value in values]
        cells.append(Cell(show_ratio(report.overall.error_ratio), sort=report.overall.error_ratio))
        valid = not report.doubts
        cells.append(Cell("valid" if valid else "not valid", pill=True, tone="good" if valid else "warn"))
        rows.append(cells)
    doubts = compared.doubts
    notes = [Note("", "warn", doubts)] if doubts else []
    return Section("runs", "The runs", "Of their steady parts.", [Table("The runs", columns, rows), *notes])


def endpoint_shifts(compared: Compared) -> dict[str, list[Change | None]]:
    """Each endpoint's change at SHARES, of each run after the first."""
    others = range(1, len(compared.names))
    return {name: [compared.change(n, name, SHARES) for n in others] for name in compared.totals()}


def _difference(compared: Compared) -> list[Block]:
    """For each run after the first, how it differs at each percentile."""
    charts = [(name, _difference_of(compared, n)) for n, name in enumerate(compared.names) if n]
    drawn: list[tuple[str, Block]] = [(name, chart) for name, chart in charts if chart is not None]
    return [Switch("Run", drawn)] if len(drawn) > 1 else [chart for _, chart in drawn]


def _difference_of(compared: Compared, number: int) -> Chart | None:
    """The change at each percentile that at least 5 requests of both lie beyond."""
    name = compared.names[number]
    sides = [compared.blocks[0].counts, compared.blocks[number].counts]
    reach = min(int(side[OVERALL].sum()) if OVERALL in side else 0 for side in sides)
    shares = [float(q) for q in _SHARES if reach * (1 - q) >= 5]
    change = compared.change(number, OVERALL, shares) if shares else None
    if change is None:
        return None
    label = f"Change of the response time of {name} against the baseline at each percentile"
    told = (change.change, change.low, change.high)
    rows = [
        [f"p{q * 100:.4g}", *(show_change(float(side[i]), True) for side in told)]
        for i, q in enumerate(shares)
    ]
    return Chart(
        f"Change against the baseline, {name}",
        draw_change(change, label, 960, 260, "broad"),
        draw_change(change, label, *NARROW, "narrow"),
        Figures(["percentile", "change", "from", "to"], rows, [nines_of(q) for q in shares]),
        "The band is the 95% interval; where it holds 'same', nothing was shown.",
    )
