"""What went wrong and when: errors, log lines, gaps, events, and the account of every arrival."""

from __future__ import annotations

from reports.charts.axes import clock
from reports.parts import Block, Cell, Column, Fact, Facts, Section, Segment, Stack, Stacks, Table
from reports.run_data import RunReport
from reports.words import counted, show_count, show_nearly
from results.units import show_latency

_MOST_ROWS, _MOST_EVENTS = 30, 200
_MOST_TEXT = 600


def _short(text: str) -> str:
    return text if len(text) <= _MOST_TEXT else text[:_MOST_TEXT] + " …"


def _shown(which: str, most: int, number: int) -> str:
    """Words for a table that leaves out some; none where all are in it."""
    return f" The {which} {most} of {number:,} are shown." if number > most else ""


def trouble(report: RunReport) -> list[Section | None]:
    """All of it, in the order in which one looks."""
    return [errors(report), logs(report), account(report), events(report)]


def errors(report: RunReport) -> Section | None:
    """Failures by endpoint and kind, each with the first one's text."""
    found = report.table.error_rows
    if not found:
        return None
    columns = [
        Column("Endpoint", number=False),
        Column("Kind", number=False),
        Column("Count"),
        Column("When"),
        Column("First one", number=False, wide=True),
    ]
    rows = [
        [
            Cell(error.endpoint.name, "outside arrivals" if error.endpoint.setup else ""),
            Cell(error.kind, tone="bad"),
            Cell(show_count(error.count), sort=error.count, strong=True),
            Cell(_span(error.first_s, error.last_s), sort=error.first_s),
            Cell(_short(error.sample), code=True),
        ]
        for error in found[:_MOST_ROWS]
    ]
    requests = counted(report.overall.requests, "request")
    lead = f"{counted(report.overall.failed, 'failure')} of {requests} in the steady part"
    outside = sum(error.count for error in found if error.endpoint.setup)
    lead += f", and {counted(outside, 'failure')} outside arrivals." if outside else "."
    lead += _shown("most frequent", _MOST_ROWS, len(found))
    return Section("errors", "Errors", lead, [Table("Errors", columns, rows, sortable=True)])


def _span(first_s: float, last_s: float) -> str:
    return clock(first_s) if last_s <= first_s else f"{clock(first_s)} to {clock(last_s)}"


def logs(report: RunReport) -> Section | None:
    """Warnings and errors of every process, lines that say the same together."""
    found = report.run.logs
    if not found:
        return None
    columns = [
        Column("Process", number=False),
        Column("Level", number=False),
        Column("Lines"),
        Column("First"),
        Column("First line", number=False, wide=True),
    ]
    rows = [
        [
            Cell(group.instance),
            Cell(group.level, tone="bad" if group.level.upper() not in ("WARNING", "WARN", "NOTICE") else ""),
            Cell(show_count(group.lines), sort=group.lines, strong=True),
            Cell(clock(max(group.first_s, 0)), sort=group.first_s),
            Cell(_short(group.sample), code=True),
        ]
        for group in found[:_MOST_ROWS]
    ]
    lead = (
        "Warnings and errors of every process; lines that differ only in their numbers are counted together."
    ) + _shown("most frequent", _MOST_ROWS, len(found))
    return Section("logs", "Log lines", lead, [Table("Log lines", columns, rows, sortable=True)])


def events(report: RunReport) -> Section | None:
    """What happened when, gaps included."""
    happened = [(event.at_s, event.instance or event.tier, event.text, False) for event in report.run.events]
    happened += [
        (gap.from_s, gap.instance, f"no answer for {gap.to_s - gap.from_s:.3g} s: {gap.reason}", True)
        for gap in report.run.gaps
    ]
    if not happened:
        return None
    columns = [Column("When"), Column("Where", number=False), Column("What", number=False, wide=True)]
    rows = [
        [
            Cell(clock(max(at, 0)), sort=at),
            Cell(where or "run"),
            Cell(_short(text), tone="warn" if is_gap else ""),
        ]
        for at, where, text, is_gap in sorted(happened)[:_MOST_EVENTS]
    ]
    lead = "In order of time since load began." + _shown("first", _MOST_EVENTS, len(happened))
    return Section("events", "Events and gaps", lead, [Table("Events", columns, rows)])


def account(report: RunReport) -> Section | None:
    """What became of every arrival, by generator, and how the generators themselves fared."""
    run = report.run
    total = run.account
    if not total.scheduled and not run.flows:
        return None
    sums = [
        ("finished", total.finished, "accent"),
        ("failed", total.failed, "bad"),
        ("unfinished at the end", total.unfinished, "orange"),
        ("never started", total.never_started, "violet"),
        ("missing", max(total.missing, 0), "ink"),
    ]
    scale = max(total.scheduled, 1)
    segments = [
        Segment(name, count / scale, show_count(count), color) for name, count, color in sums if count
    ]
    blocks: list[Block] = [Stacks("Arrivals", [Stack("scheduled", show_count(total.scheduled), segments)])]
    lags = (flow.wake_lag for flow in run.flows)
    lag = max((one.quantile_us(0.99) for one in lags if one.count), default=None)
    all_counted = show_nearly(1 - abs(total.missing) / scale)
    facts = [
        Fact("Scheduled", show_count(total.scheduled), counted(len(run.accounts), "generator")),
        Fact("Accounted for", all_counted, "of all arrivals", "bad" if total.missing else "good"),
        Fact("Unfinished", show_count(total.unfinished), "failed, with their age as a lower bound"),
        _never_started(total.never_started),
    ]
    if lag is not None:
        facts.append(
            Fact("Generator's own lag", show_latency(lag), "p99 of its worst second; in no response time")
        )
    blocks.insert(0, Facts(facts, small=True))
    if len(run.accounts) > 1:
        blocks.append(_by_generator(report))
    lead = (
        "Scheduled = finished + failed + unfinished + never started. Nothing that was sent is left uncounted."
    )
    return Section("account", "The account of every arrival", lead, blocks)


def _never_started(count: int) -> Fact:
    return Fact("Never started", show_count(count), "due, but no user was free", "bad" if count else "")


def _by_generator(report: RunReport) -> Table:
    names = ("scheduled", "finished", "failed", "unfinished", "never_started", "missing")
    columns = [
        Column("Generator", number=False),
        *(Column(name.replace("_", " ").capitalize()) for name in names),
    ]
    rows = [
        [Cell(generator), *(Cell(show_count(getattr(one, name)), sort=getattr(one, name)) for name in names)]
        for generator, one in sorted(report.run.accounts.items())
    ]
    return Table("Arrivals by generator", columns, rows)
