"""Which of the given alert rules would have fired, when, and which missed objective none of them saw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.alerts.missed import Miss
from analysis.alerts.report import AlertsReport
from reports.charts.axes import clock
from reports.charts.states import StateRow, draw_states
from reports.parts import Block, Cell, Chart, Column, Figures, More, Note, Section, Table, Tone
from reports.run_data import RunReport
from reports.sections.shared import NARROW, WIDE, story_of
from reports.words import NONE, counted, listed, sentence
from results.units import show_duration, three_digits

if TYPE_CHECKING:
    from analysis.alerts.firing import AlertSeen, Firing

_MOST_WHO = 3
_HIDDEN_LABELS = ("alertname", "severity", "tier")


def alerts(report: RunReport) -> Section | None:
    """The section; None where the run was given no rules."""
    told = report.alerts
    if told is None:
        return None
    if told.problem:
        return Section("alerts", "Alerts", "", [Note(sentence(told.problem), "warn")])
    blocks: list[Block] = [*_misses(told)]
    active = [one for one in told.seen if one.stretches]
    if active:
        blocks.append(_chart(report, told, active))
        blocks.append(Table("Alerts", _COLUMNS, [_row(one) for one in active]))
    blocks += _quiet(told)
    return Section("alerts", "Alerts", _lead(told), blocks)


_COLUMNS = [
    Column("Alert", number=False),
    Column("State", number=False),
    Column("When", number=False),
    Column("For", number=False, what="which instances, queues or pools"),
    Column("Value"),
    Column("What it says", number=False, wide=True),
]


def _lead(told: AlertsReport) -> str:
    rules = counted(len(told.seen), "rule")
    return (
        f"{len(told.fired) or 'None'} of the {rules} in {told.source} would have fired, evaluated as"
        " Prometheus does over what this run stored: pale while pending, red while firing."
    )


def _misses(told: AlertsReport) -> list[Block]:
    found: list[Block] = []
    for miss in told.misses:
        if miss.alerts:
            words = f"{miss.slo.text} was missed, and {listed(miss.alerts)} fired meanwhile"
            found.append(Note(sentence(words)))
        else:
            found.append(Note(_unseen_words(miss), "bad"))
    return found


def _unseen_words(miss: Miss) -> str:
    when = ", ".join(f"{clock(a)} to {clock(b)}" for a, b in miss.stretches[:_MOST_WHO])
    return f"{miss.slo.text} was missed{f' ({when})' if when else ''}, and no rule saw it."


def _chart(report: RunReport, told: AlertsReport, active: list[AlertSeen]) -> Chart:
    end_s = report.run.duration_s
    rows = [
        StateRow(one.rule.name, [bar for s in one.stretches for bar in _bars(s, end_s)]) for one in active
    ]
    rows += [
        StateRow(f"missed: {miss.slo.text}", [(a, b, "missed") for a, b in miss.stretches])
        for miss in told.misses
    ]
    figures = Figures(
        ["what", "from", "to", "state"],
        [
            [row.name, clock(a), clock(b), {"bad": "firing"}.get(state, state)]
            for row in rows
            for a, b, state in row.stretches
        ],
    )
    label = "When alerts were pending and firing, and when objectives were missed"
    story = story_of(report)
    return Chart(
        "Alerts over time",
        draw_states(rows, story, label, WIDE[0], "broad"),
        draw_states(rows, story, label, NARROW[0], "narrow"),
        figures,
    )


def _bars(one: Firing, end_s: float) -> list[tuple[float, float, str]]:
    until_s = end_s if one.until_s is None else one.until_s
    if one.fired_s is None:
        return [(one.since_s, until_s, "pending")]
    waiting = [(one.since_s, one.fired_s, "pending")] if one.fired_s > one.since_s else []
    return [*waiting, (one.fired_s, until_s, "bad")]


def _row(one: AlertSeen) -> list[Cell]:
    fired = one.fired
    shown = fired or one.stretches
    first = shown[0]
    state: tuple[str, Tone] = ("fired", "bad") if fired else ("pending only", "warn")
    when = ", ".join(_when(stretch) for stretch in shown[:_MOST_WHO])
    more = f" and {len(shown) - _MOST_WHO} more" if len(shown) > _MOST_WHO else ""
    who = list(dict.fromkeys(who for stretch in shown if (who := _who(stretch))))
    says = first.annotations.get("summary") or first.annotations.get("description") or one.rule.text
    severity = one.rule.labels.get("severity", "")
    return [
        Cell(one.rule.name, severity),
        Cell(state[0], pill=True, tone=state[1]),
        Cell(
            f"{when}{more}", f"for {show_duration(one.rule.for_s)}" if one.rule.for_s else "", first.since_s
        ),
        Cell(", ".join(who[:_MOST_WHO]) or NONE),
        Cell(three_digits(first.value), sort=first.value),
        Cell(says),
    ]


def _when(one: Firing) -> str:
    began = one.since_s if one.fired_s is None else one.fired_s
    return f"{clock(began)} to {'the end' if one.until_s is None else clock(one.until_s)}"


def _who(one: Firing) -> str:
    return " ".join(value for name, value in one.labels if name not in _HIDDEN_LABELS)


def _quiet(told: AlertsReport) -> list[Block]:
    """Rules that stayed quiet, and those that could not but: what they ask for was not there."""
    found: list[Block] = []
    broken = [f"{one.rule.name}: {one.problem}" for one in told.seen if one.problem]
    if broken:
        found.append(Note("These rules could not be evaluated:", "warn", broken))
    deaf = [
        f"{one.rule.name}: the run has no series {listed(one.absent)}"
        for one in told.seen
        if one.absent and not one.stretches and not one.problem
    ]
    if deaf:
        found.append(Note("These rules could not have fired:", "warn", deaf))
    quiet = [one for one in told.seen if not one.stretches and not one.absent and not one.problem]
    if quiet:
        names = sentence(f"quiet: {listed([one.rule.name for one in quiet])}")
        rows = [[Cell(one.rule.name), Cell(one.rule.text, code=True)] for one in told.seen]
        columns = [Column("Alert", number=False), Column("Expression", number=False, wide=True)]
        found += [Note(names, "muted"), More("All rules", [Table("Rules", columns, rows)])]
    return found
