"""The sections of a capacity page that say what was measured: time by part, limits, levels."""

from __future__ import annotations

import numpy as np

from analysis.capacity import (
    PURPOSE_WORDS,
    Capacity,
    LevelPoint,
    Recovery,
    Review,
    SloLimit,
    outcome_words,
)
from reports.charts.levels import Part, draw_parts
from reports.parts import (
    Block,
    Cell,
    Chart,
    Column,
    Fact,
    Facts,
    Figures,
    More,
    Note,
    Section,
    Table,
    Tone,
)
from reports.sections.over_time import color_of
from reports.sections.shared import NARROW
from reports.words import NONE
from results.units import show_latency, show_rate, show_ratio

_COLOR_OF = {"elsewhere": "other", "lb queue": "queue", "backlog": "render"}


def where_the_time_went(told: Review) -> Section | None:
    """Mean time of a request by part, stacked, level by level."""
    levels = [one.stretch for one in told.held if one.stretch.components_ms]
    if len(levels) < 2:
        return None
    spent = [level.components_ms for level in levels]
    names = sorted(
        {name for one in spent for name in one if max(other.get(name, 0.0) for other in spent) >= 0.01},
        key=lambda name: (
            name != "elsewhere",
            name in ("pool", "queue", "web-queue", "lb queue", "backlog"),
            name,
        ),
    )
    layers = [
        Part(name, np.array([one.get(name, 0.0) for one in spent]), color_of(_COLOR_OF.get(name, name)))
        for name in names
    ]
    rates = [level.rate_per_s for level in levels]
    label = "Mean response time of a request by part, at each level"
    rows = [
        [f"{level.rate_per_s:.3g}/s", *(show_latency(one.get(name, 0.0) * 1e3) for name in names)]
        for level, one in zip(levels, spent, strict=True)
    ]
    drawn = Chart(
        "Where the time went, mean of a request",
        draw_parts(layers, rates, label, 960, 300, "broad"),
        draw_parts(layers, rates, label, *NARROW, "narrow"),
        Figures(["level", *names], rows, list(range(len(levels)))),
    )
    lead = "What grows with load is where requests wait. 'elsewhere' is what no part of the system explains."
    return Section("parts", "Where the time went", lead, [drawn])


def objectives(told: Review) -> Section | None:
    """Each objective's own limit, and the pair that SPECjbb reports."""
    found = told.stated
    columns = [
        Column("Within", number=False),
        Column("Highest rate"),
        Column("90% interval"),
        Column("", number=False, wide=True),
    ]
    own = [
        _limit_row(one.slo.text, one.rate_per_s, one.low_per_s, one.high_per_s, _hit(found, one))
        for one in found.limits
    ]
    blocks: list[Block] = [Table("The highest rate within each objective", columns, own)] if own else []
    if told.ladder is not None:
        states = {"found": "", "beyond": "kept at every level: at least this", "never": "no level kept it"}
        rungs = [
            _limit_row(r.slo.text, r.rate_per_s, r.low_per_s, r.high_per_s, states[r.state])
            for r in told.ladder.rungs
        ]
        blocks += [_pair(told), More("The ladder, rung by rung", [Table("The ladder", columns, rungs)])]
    lead = "From the same levels. The objective with the lowest rate is the one that is hit first."
    return Section("limits", "Objective by objective", lead, blocks) if blocks else None


def _hit(found: Capacity, limit: SloLimit) -> str:
    if limit.rate_per_s is None:
        return "not hit within what was tried"
    return "hit first" if limit.slo == found.first_hit else ""


def _limit_row(name: str, rate: float | None, low: float | None, high: float | None, said: str) -> list[Cell]:
    between = f"{show_rate(low)} to {show_rate(high)}" if low is not None and high is not None else NONE
    return [
        Cell(name, href="#levels"),
        Cell(show_rate(rate) if rate is not None else NONE, strong=True),
        Cell(between, tone="muted"),
        Cell(said, pill=said == "hit first", tone="bad" if said == "hit first" else "muted"),
    ]


def _pair(told: Review) -> Facts:
    """The highest rate at all and the highest within the ladder, in SPECjbb's manner."""
    found, rungs = told.capacity, told.ladder
    assert rungs is not None
    bound = "the system was overloaded beyond it" if found.max_is_bound else "it was not driven beyond it"
    at_all = show_rate(found.max_per_s) if found.max_per_s is not None else NONE
    within = show_rate(rungs.critical_per_s) if rungs.critical_per_s is not None else NONE
    return Facts(
        [
            Fact("Highest rate at all", at_all, f"objectives aside; {bound}", href="#levels"),
            Fact("Highest within the ladder", within, rungs.words, href="#levels"),
        ],
        small=True,
    )


def levels(capacity: Capacity) -> Section | None:
    """Every level of the search, in its order."""
    if not capacity.levels:
        return None
    columns = [
        Column("Level"),
        Column("Purpose", number=False),
        Column("Offered"),
        Column("Achieved"),
        Column("Held"),
        *(Column(limit.slo.text, what="Over the limit, of what is allowed") for limit in capacity.limits),
        Column("Outcome", number=False),
    ]
    tones: dict[str, Tone] = {"pass": "good", "fail": "bad", "unclear": "warn", "invalid": "warn"}
    rows = [
        [
            Cell(str(level.number + 1), sort=level.number),
            Cell(PURPOSE_WORDS.get(level.purpose, level.purpose), "; ".join(level.problems)),
            Cell(show_rate(level.rate_per_s), sort=level.rate_per_s),
            Cell(show_rate(level.achieved_per_s), sort=level.achieved_per_s),
            Cell(f"{level.seconds} s", "not steady" if level.drifted else "", sort=level.seconds),
            *(
                Cell(show_ratio(share), sort=share, tone="bad" if share > 1 else "")
                for share, _ in zip(level.shares, capacity.limits, strict=False)
            ),
            Cell(_outcome(level), pill=True, tone=tones[level.outcome]),
        ]
        for level in capacity.levels
    ]
    lead = "In order of time. Under each objective: how much was over its limit, of what is allowed."
    if any(level.drifted for level in capacity.levels):
        lead += " Not steady: response times still had a trend when the level's time was over."
    blocks: list[Block] = [Table("Levels of the search", columns, rows, sortable=True)]
    recovered = [_recovery(one) for one in capacity.recoveries]
    if recovered:
        blocks.append(Note("Time to recover after an overload:", "muted", recovered))
    return Section("levels", "Every level", lead, blocks)


def _outcome(level: LevelPoint) -> str:
    """What came of a level, in plain words; a pause is no evidence and was not meant to be."""
    return "not judged" if level.purpose == "recover" else outcome_words(level.outcome, level.kept)


def _recovery(one: Recovery) -> str:
    at = f"after {show_rate(one.after_per_s)}, at {show_rate(one.pause_per_s)}"
    if one.complete:
        return f"{at}: {one.seconds} s until the backlog was worked off"
    return f"{at}: not recovered within {one.seconds} s"
