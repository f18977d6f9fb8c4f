"""The page of a scenario's history: one figure over its stored runs, and what changed where it changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from analysis.compare.words import show_change
from analysis.history import LEAST_SEGMENT, ChangePoint, History, HistoryPoint
from reports.charts.trend import Trend, Turn, draw_trend
from reports.parts import Answer, Block, Cell, Chart, Column, Fact, Figures, Grid, Note, Page, Section, Table
from reports.sections.shared import NARROW
from reports.words import counted
from results import UsageError
from results.units import show_latency, show_rate, show_ratio

Show = Callable[[float], str]
MOST_ROWS = 100
MOST_GROUPS = 8


@dataclass(frozen=True)
class FigureKind:
    """A figure of a history: its name for people, how it is shown, and whether more of it is worse."""

    title: str
    show: Show
    more_is_worse: bool = True


KINDS = {
    "p50": FigureKind("p50", show_latency),
    "p95": FigureKind("p95", show_latency),
    "p99": FigureKind("p99", show_latency),
    "errors": FigureKind("Errors", show_ratio),
    "rate": FigureKind("Requests per second", show_rate, False),
}


def figure_kind(name: str) -> FigureKind:
    """The figure with a name. Raises UsageError."""
    if name not in KINDS:
        raise UsageError(f"'{name}' is no figure of a history: there are {', '.join(KINDS)}")
    return KINDS[name]


def history_page(scenario: str, found: Sequence[History], runs: Path, left_out: int = 0) -> Page:
    """The page's data, the newest history first; links are relative to the runs folder."""
    newest = found[0]
    kind = figure_kind(newest.figure)
    sections = [
        section for number, one in enumerate(found[:MOST_GROUPS]) for section in _sections(one, number)
    ]
    return Page(
        title=history_sentence(scenario, newest),
        kicker=["History", scenario, counted(sum(len(one.points) for one in found), "run")],
        when=f"{_day(newest.points[0])} to {_day(newest.points[-1])}",
        answer=_answer(scenario, newest),
        facts=_facts(newest, kind),
        sections=[*sections, _runs(newest, runs), _method(found, left_out)],
        foot=f"Made from the runs' heads alone, and can be made again with: {_command(scenario, newest)}",
    )


def _command(scenario: str, newest: History) -> str:
    figure = "" if newest.figure == "p99" else f" --figure {newest.figure}"
    return f"harness history {scenario}{figure}"


def history_sentence(scenario: str, one: History) -> str:
    """What came of the figure, in a sentence."""
    kind = figure_kind(one.figure)
    if not one.changes:
        if has_too_few(one):
            few = counted(len(one.points), "run")
            return (
                f"{kind.title} of {scenario}: {few}, too few to tell a change ({2 * LEAST_SEGMENT} at least)."
            )
        return f"{kind.title} of {scenario} has kept its level over {counted(len(one.points), 'run')}."
    last = one.changes[-1]
    when = f"{last.started_at:%-d %b %Y}"
    return f"{kind.title} of {scenario} {change_words(last, kind)} on {when}."


def change_words(change: ChangePoint, kind: FigureKind) -> str:
    """`rose from 88 ms to 109 ms (+24%)`."""
    word = "rose" if change.after > change.before else "fell"
    by = f" ({show_change(change.change, True)})" if change.before else ""
    return f"{word} from {kind.show(change.before)} to {kind.show(change.after)}{by}"


def has_too_few(one: History) -> bool:
    """Whether there are too few runs to tell a change."""
    return len(one.points) < 2 * LEAST_SEGMENT


def is_worse(change: ChangePoint, kind: FigureKind) -> bool:
    """Whether the figure changed for the worse."""
    return (change.after > change.before) == kind.more_is_worse


def what_changed(change: ChangePoint) -> str:
    """Versions, settings and host facts that changed with it, in words."""
    return "; ".join(change.changed) or "nothing that was recorded: look at the system's own changes"


def _answer(scenario: str, one: History) -> Answer:
    kind, sentence = figure_kind(one.figure), history_sentence(scenario, one)
    if not one.changes and has_too_few(one):
        return Answer(sentence, "Runs differ by chance: how much is known once there are more.", "")
    if not one.changes:
        return Answer(sentence, "Runs differ by chance; no change for good stands out of it.", "")
    last = one.changes[-1]
    worse = is_worse(last, kind)
    word = "rose" if last.after > last.before else "fell"
    advice = "Hold both states against each other with: harness duel" if worse else ""
    why = f"What changed with it: {what_changed(last)}."
    return Answer(sentence, why, advice, "bad" if worse else "", word, "trend-0")


def _facts(one: History, kind: FigureKind) -> list[Fact]:
    _, _, now = one.levels[-1]
    since = _day(one.points[one.levels[-1][0]])
    ends = np.quantile(one.values[one.levels[-1][0] :], [0.1, 0.9])
    low, high = (kind.show(float(value)) for value in ends)
    spread = float(np.ptp(ends)) / 2 / now if now else 0.0
    worse = sum(is_worse(change, kind) for change in one.changes)
    few = has_too_few(one)
    from_to = f"eight of ten of its runs within {low} to {high}"
    least = f"from {2 * LEAST_SEGMENT} runs on"
    return [
        Fact(f"{kind.title} now", kind.show(now), f"the median since {since}"),
        Fact("From run to run", "–" if few else f"±{spread:.1%}", least if few else from_to),
        Fact(
            "Changes",
            "–" if few else str(len(one.changes)),
            least if few else f"{worse} for the worse",
            "bad" if worse else "",
        ),
        Fact("Runs", f"{len(one.points):,}", f"{_day(one.points[0])} to {_day(one.points[-1])}"),
    ]


def _sections(one: History, number: int) -> list[Section]:
    kind, first = figure_kind(one.figure), one.points[0]
    load = first.stages or "steered"
    lead = (
        f"On {first.target}: {load}. A dot is a run, a line the median of a level; runs at equal distances."
    )
    blocks: list[Block] = [_trend(one, one.figure, (960, 300), NARROW)]
    if one.changes:
        blocks.append(_changes(one, kind))
    others = [name for name in ("p50", "p95", "p99", "errors", "rate") if name != one.figure]
    if number == 0 and len(one.points) > 1:
        known = [name for name in others if all(name in point.figures for point in one.points)]
        blocks.append(Grid([_trend(one, name, (460, 200), None) for name in known]))
    title = "Trend" if number == 0 else f"Trend of {load}, {first.target}"
    return [Section(f"trend-{number}", title, lead, blocks)]


def _trend(
    one: History, figure: str, broad: tuple[float, float], narrow: tuple[float, float] | None
) -> Chart:
    """One figure of the history's runs, with the change points of the history's own."""
    kind = figure_kind(figure)
    own, its = figure == one.figure, figure_kind(one.figure)
    values = np.array([point.figures[figure] for point in one.points])
    levels = [(a, b, float(np.median(values[a:b]))) for a, b, _ in one.levels]
    turns = [
        Turn(change.index, show_change(change.change, True) if own else "", is_worse(change, its))
        for change in one.changes
    ]
    days = [f"{point.started_at:%-d %b %y}" for point in one.points]
    trend = Trend(f"{kind.title} by run", values, days, levels, kind.show, turns)
    rows = [[days[i], point.run_id, kind.show(float(values[i]))] for i, point in enumerate(one.points)]
    figures = Figures(["day", "run", kind.title], rows, [float(i) for i in range(values.size)])
    drawn = draw_trend(trend, *broad, "broad")
    return Chart(kind.title, drawn, draw_trend(trend, *narrow, "narrow") if narrow else "", figures)


def _changes(one: History, kind: FigureKind) -> Table:
    columns = [
        Column("Since", number=False),
        Column("Before"),
        Column("After"),
        Column("Change"),
        Column("What changed with it", number=False, wide=True),
    ]
    rows = []
    for change in reversed(one.changes):
        tone = "bad" if is_worse(change, kind) else "good"
        shown = show_change(change.change, True) if change.before else ""
        rows.append(
            [
                Cell(f"{change.started_at:%-d %b %Y %H:%M}", change.run_id),
                Cell(kind.show(change.before), sort=change.before),
                Cell(kind.show(change.after), sort=change.after),
                Cell(shown, sort=change.change, tone=tone, strong=True),  # type: ignore[arg-type]
                Cell(what_changed(change)),
            ]
        )
    return Table("Change points, the newest first", columns, rows)


def _runs(one: History, runs: Path) -> Section:
    columns = [Column("Run", number=False), *(Column(kind.title) for kind in KINDS.values())]
    rows = []
    for point in reversed(one.points[-MOST_ROWS:]):
        page = runs / point.run_id / "report.html"
        link = f"{point.run_id}/report.html" if page.is_file() else ""
        cells = [
            Cell(kind.show(point.figures[name]), sort=point.figures[name])
            if name in point.figures
            else Cell("")
            for name, kind in KINDS.items()
        ]
        rows.append([Cell(point.run_id, f"{point.started_at:%-d %b %Y %H:%M}", href=link), *cells])
    lead = f"The newest {len(rows)} of {len(one.points)}; a run with a report links to it."
    return Section(
        "runs", "The runs", lead, [Table("The runs, the newest first", columns, rows, sortable=True)]
    )


def _method(found: Sequence[History], left_out: int) -> Section:
    how = "Change points are found by E-divisive: the split whose sides differ most, kept where none of 99"
    items = [
        f"{how} random orders splits as well; a level has at least {LEAST_SEGMENT} runs.",
        "Runs stand together that had the same scenario, target and stages.",
        f"{counted(left_out, 'run')} left out: not finished, not valid, or without figures.",
    ]
    if len(found) > MOST_GROUPS:
        items.append(
            f"{len(found) - MOST_GROUPS} older histories with other stages or targets are not drawn."
        )
    return Section("method", "Method", "", [Note("", "muted", items)])


def _day(point: HistoryPoint) -> str:
    return f"{point.started_at:%-d %b %Y}"
