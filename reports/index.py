"""The page that links the reports of a runs folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from reports.parts import Answer, Cell, Column, Fact, Page, Section, Table, Tone
from reports.render import write_page
from reports.words import counted
from results.catalogue import Entry
from results.units import show_duration, show_latency, show_rate, show_ratio

TONES: dict[str, Tone] = {
    "pass": "good", "valid": "good", "fail": "bad", "cannot tell": "warn", "not valid": "warn"
}  # fmt: skip
_ORDER = ["fail", "cannot tell", "not valid", "pass", "valid"]


def write_index(entries: Sequence[Entry], runs: Path, path: Path | None = None) -> Path:
    """Write the index of a runs folder, into it unless told otherwise."""
    return write_page(index_page(entries, runs), path or runs / "index.html")


def index_page(entries: Sequence[Entry], runs: Path) -> Page:
    """The page's data; links are relative to the runs folder."""
    columns = [
        Column("Run", number=False),
        Column("Verdict", number=False),
        Column("p99"),
        Column("Errors"),
        Column("Rate"),
        Column("Load", number=False, wide=True),
        Column("Target", number=False),
        Column("Length"),
    ]
    table = Table("Runs, the newest first", columns, [_row(one, runs) for one in entries], sortable=True)
    newest = next((one for one in entries if one.started_at), None)
    when = f"{newest.started_at:%-d %b %Y %H:%M}" if newest else ""
    lead = "The newest first; a run with a report links to it. Latencies and rates are of the steady part."
    return Page(
        title="Runs",
        kicker=["All runs", str(runs.resolve().name)],
        when=f"newest {when}" if when else "",
        answer=Answer(f"{counted(len(entries), 'run')} stored.", *_said(entries)),
        facts=_facts(entries, when),
        sections=[*_histories(entries, runs), *([Section("runs", "Runs", lead, [table])] if entries else [])],
        foot="A run without a report gets one with: harness report RUN. This page: harness runs index",
    )


def _said(entries: Sequence[Entry]) -> tuple[str, str]:
    """What came of the runs, and what to do where something is wrong with some."""
    verdicts = [one.judged for one in entries if not one.problem and one.judged]
    counts = [f"{verdicts.count(word)} {word}" for word in _ORDER if word in verdicts]
    broken = sum(bool(one.problem) for one in entries)
    advice = f"{counted(broken, 'run')} cannot be read: the table says why." if broken else ""
    return (f"Their verdicts: {', '.join(counts)}." if counts else "None was judged yet."), advice


def _facts(entries: Sequence[Entry], when: str) -> list[Fact]:
    scenarios = {one.scenario for one in entries if one.scenario}
    written = sum(one.page is not None for one in entries)
    tagged = [one for one in entries if one.tags]
    newest_tag = f"{tagged[0].id}: {', '.join(tagged[0].tags)}" if tagged else "harness runs tag RUN baseline"
    return [
        Fact("Runs", f"{len(entries):,}", f"newest {when}" if when else "none yet"),
        Fact(
            "Scenarios", str(len(scenarios)), ", ".join(sorted(map(short_name, scenarios))[:3]) or "none yet"
        ),
        Fact("Reports", str(written), "written and linked here"),
        Fact("Tagged", str(len(tagged)), newest_tag),
    ]


def _histories(entries: Sequence[Entry], runs: Path) -> list[Section]:
    """Links to the histories that were drawn."""
    drawn = [
        (scenario, file)
        for scenario in sorted({one.scenario for one in entries if one.scenario})
        if (file := history_file(runs, scenario)).is_file()
    ]
    if not drawn:
        return []
    rows = [
        [
            Cell(short_name(scenario), href=file.name),
            Cell(str(sum(one.scenario == scenario for one in entries))),
        ]
        for scenario, file in drawn
    ]
    columns = [Column("Scenario", number=False), Column("Runs")]
    lead = "The trend of each scenario over its runs."
    return [Section("histories", "Histories", lead, [Table("Histories", columns, rows)])]


def history_file(runs: Path, scenario: str) -> Path:
    """Where the history of a scenario is drawn."""
    return runs / f"history-{short_name(scenario).replace('/', '-')}.html"


def short_name(scenario: str) -> str:
    """A scenario without its folder and ending: `web/trpc`."""
    return scenario.removeprefix("scenarios/").removesuffix(".py")


def _row(one: Entry, runs: Path) -> list[Cell]:
    link = one.page.relative_to(runs).as_posix() if one.page else ""
    if one.problem:
        rest = [Cell("")] * 6
        return [Cell(one.id), Cell("cannot be read", one.problem, tone="warn"), *rest]
    tone = TONES.get(one.judged, "")
    return [
        Cell(one.id, ", ".join(one.tags), href=link),
        Cell(one.judged, pill=bool(tone), tone=tone),
        *(_figure(one, name, show) for name, show in _FIGURES),
        Cell(_first_sentence(one.said) or one.load, short_name(one.scenario)),
        Cell(one.target),
        Cell(show_duration(one.duration_s) if one.duration_s else "", sort=one.duration_s),
    ]


def _first_sentence(text: str) -> str:
    """What a list has room for: the page itself says why."""
    first, more, _ = text.partition(". ")
    return f"{first}." if more else text


_FIGURES = (("p99", show_latency), ("errors", show_ratio), ("rate", show_rate))


def _figure(one: Entry, name: str, show: Callable[[float], str]) -> Cell:
    value = one.figures.get(name)
    return Cell("") if value is None else Cell(show(value), sort=value)
