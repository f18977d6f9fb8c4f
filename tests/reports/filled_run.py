"""A page's sections of a run with just what a test fills in, and the words of their tables and facts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from reports.page import run_page
from reports.parts import Block, Facts, Grid, More, Note, Section, Table
from reports.render import render
from reports.run_data import read_report
from results import Account, Endpoint, Flow, Histogram, Interval, Part, RunWriter, Sample, open_run
from tests.reports.html_check import check

SECONDS, WARMUP_S = 40, 10
STEADY_S = SECONDS - WARMUP_S
Fill = Callable[[RunWriter], None]


def sections(folder: Path, *fills: Fill, slos: str = "", **info: object) -> dict[str, Section]:
    """The page's sections by id, of a run with a request a second and whatever is filled in."""
    facts = {
        "id": "r",
        "scenario": "s",
        "target": "t",
        "started_at": "2026-01-05T08:00:00+00:00",
        "slos": slos,
    }
    with RunWriter(folder / "run.db", **facts, warmup_s=WARMUP_S, duration_s=SECONDS, **info) as writer:
        writer.add_flows([Flow(second, "g0", 1, 1, 1) for second in range(SECONDS)])
        writer.set_account("g0", Account(SECONDS, SECONDS))
        requests("x", 1, 5.0)(writer)
        for fill in fills:
            fill(writer)
    page = run_page(read_report(open_run(folder)))
    assert check(render(page)).problems == []
    return {section.id: section for section in page.sections}


def requests(
    name: str, per_s: int, mean_ms: float, kind: str = "trpc", received: int = 0, **parts_ms: float
) -> Fill:
    """So many requests each second, all of one length, with what Server-Timing told of each."""

    def fill(writer: RunWriter) -> None:
        times = Histogram.from_values_us([mean_ms * 1e3] * per_s)
        parts = {part: Part(per_s, ms * 1e3 * per_s, ms * 1e3) for part, ms in parts_ms.items()}
        writer.add_intervals(
            Interval(
                second, "g0", Endpoint(name, kind), times, times.copy(), 0, received * per_s, parts=parts
            )
            for second in range(SECONDS)
        )

    return fill


def gauge(tier: str, instance: str, metric: str, value: float | list[float]) -> Fill:
    values = value if isinstance(value, list) else [value] * SECONDS
    return lambda writer: writer.add_samples(
        Sample(s, tier, instance, metric, v) for s, v in enumerate(values)
    )


def counter(tier: str, instance: str, metric: str, per_s: float) -> Fill:
    return lambda writer: writer.add_samples(
        Sample(s, tier, instance, metric, 1000 + per_s * s, "counter") for s in range(SECONDS)
    )


def flat(blocks: list[Block]) -> list[Block]:
    found: list[Block] = []
    for block in blocks:
        found += [block, *flat(block.blocks)] if isinstance(block, Grid | More) else [block]
    return found


def rows(section: Section, caption: str) -> dict[str, dict[str, str]]:
    """A table's words by its rows' names and its columns' titles."""
    (table,) = [one for one in flat(section.blocks) if isinstance(one, Table) and one.caption == caption]
    titles = [column.title for column in table.columns]
    return {
        row[0].words: dict(zip(titles, (cell.words for cell in row), strict=True))
        for row in [*table.rows, *table.foot]
    }


def facts(section: Section) -> dict[str, str]:
    return {
        fact.name: fact.value
        for block in flat(section.blocks)
        if isinstance(block, Facts)
        for fact in block.facts
    }


def notes(section: Section) -> str:
    return " ".join(block.words for block in flat(section.blocks) if isinstance(block, Note))
