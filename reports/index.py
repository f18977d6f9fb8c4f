"""The page that links the reports of a runs folder."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from pathlib import Path

from reports.parts import Answer, Cell, Column, Fact, Page, Section, Table
from reports.render import write_page
from reports.words import counted
from results import HarnessError, find_runs, open_run
from results.units import show_duration

_TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
_HEAD_BYTES = 4096


@dataclass(frozen=True)
class Listed:
    """A stored run as a list shows it. `said` is its report's verdict, empty where none was written."""

    name: str
    when: str
    scenario: str
    target: str
    load: str
    span: str
    state: str
    said: str
    link: str


def write_index(runs: Path, path: Path | None = None) -> Path:
    """Write the index of a runs folder, into it unless told otherwise; only heads of files are read."""
    listed = [_listed(file, runs) for file in find_runs(runs)]
    return write_page(index_page(listed), path or runs / "index.html")


def index_page(listed: list[Listed]) -> Page:
    """The page's data."""
    finished = sum(one.state == "finished" for one in listed)
    scenarios = len({one.scenario for one in listed if one.scenario})
    columns = [
        Column("Run", number=False),
        Column("Verdict", number=False, wide=True),
        Column("Scenario", number=False),
        Column("Target", number=False),
        Column("Load", number=False),
        Column("Length"),
        Column("State", number=False),
    ]
    table = Table("Runs, the newest first", columns, [_row(one) for one in listed], sortable=True)
    newest = listed[0].when if listed else "none yet"
    return Page(
        title="Runs",
        kicker=["All runs"],
        when=newest,
        answer=Answer(
            f"{counted(len(listed), 'run')} stored.", "The newest first; each links to its report."
        ),
        facts=[
            Fact("Runs", str(len(listed)), f"{finished} finished"),
            Fact("Scenarios", str(scenarios), "different ones"),
            Fact("Reports", str(sum(bool(one.link) for one in listed)), "written"),
            Fact("Newest", newest, listed[0].scenario if listed else ""),
        ],
        sections=[Section("runs", "Runs", "", [table])] if listed else [],
        foot="A run without a report gets one with: harness report RUN",
    )


def _row(one: Listed) -> list[Cell]:
    return [
        Cell(one.name, one.when, href=one.link),
        Cell(one.said or "no report yet", tone="" if one.said else "muted"),
        Cell(one.scenario),
        Cell(one.target),
        Cell(one.load),
        Cell(one.span),
        Cell(one.state, tone="" if one.state == "finished" else "warn"),
    ]


def _listed(file: Path, runs: Path) -> Listed:
    name = file.parent.name
    try:
        run = open_run(file)
    except HarnessError as problem:
        return Listed(name, "", "", "", "", "", "cannot be read", str(problem), "")
    page = file.parent / "report.html"
    link = page.relative_to(runs).as_posix() if page.is_file() else ""
    load = str(run.stages) if run.stages else run.kind
    shown = Listed(
        name, f"{run.started_at:%Y-%m-%d %H:%M}", run.scenario, run.target, load,
        show_duration(run.duration_s), run.state, _verdict_in(page, name), link,
    )  # fmt: skip
    run.close()
    return shown


def _verdict_in(page: Path, name: str) -> str:
    """The verdict as the report's title has it: reading the run itself would take a second each."""
    try:
        with page.open("rb") as file:
            found = _TITLE.search(file.read(_HEAD_BYTES).decode("utf-8", "replace"))
    except OSError:
        return ""
    return html.unescape(found[1]).removesuffix(name).strip() if found else ""
