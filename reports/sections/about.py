"""What was run on what, and how the figures were made."""

from __future__ import annotations

from typing import Any

from reports.parts import Block, Cell, Column, Grid, More, Note, Section, Table
from reports.run_data import RunReport
from reports.words import show_bytes
from results.units import show_duration

_OPEN = (
    "Load is offered as planned whether or not the system keeps up: users take arrivals from a shared clock."
)
_CLOSED = "A fixed number of users each waits for its answer before it goes on: a slow system is asked less."
_NAMES = {"versions": "Versions", "knobs": "Settings of the system", "host": "Host"}


def environment(report: RunReport) -> Section | None:
    """The plan, versions, knobs and host."""
    run = report.run
    plan: dict[str, Any] = {
        "scenario": run.scenario,
        "target": run.target,
        "stages": str(run.stages) if run.stages else "steered while running",
        "objectives": ", ".join(slo.text for slo in run.slos) or "none",
        "warm-up": show_duration(run.warmup_s) if run.warmup_s else "none",
        "state": run.state,
        "run": run.id,
        **{key: value for key, value in run.plan.items() if _is_told(key, value)},
    }
    tables: list[Block] = [_pairs("The plan", plan)]
    for key, facts in run.environment.items():
        if isinstance(facts, dict) and facts:
            tables.append(_pairs(_NAMES.get(key, key), facts))
    return Section("environment", "What was run on what", "", [Grid(tables)])


def _is_told(name: str, value: Any) -> bool:
    """Whether a setting of the plan says something that no other line does."""
    return value not in (None, "") and not isinstance(value, dict | list) and name not in ("warmup_s", "slos")


def _pairs(title: str, pairs: dict[str, Any]) -> Table:
    rows = [[Cell(name.replace("_", " ")), Cell(_words(name, value))] for name, value in pairs.items()]
    return Table(title, [Column(title, number=False), Column("", number=False)], rows)


def _words(name: str, value: Any) -> str:
    if name.endswith("_bytes") and isinstance(value, int | float):
        return show_bytes(value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {inner}" for key, inner in value.items())
    return ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)


def method(report: RunReport) -> Section:
    """How the figures were made, in a few sentences."""
    stages = report.run.stages
    steady = show_duration(report.table.span_s)
    warmup = show_duration(report.run.warmup_s) if report.run.warmup_s else "0 s"
    items = [
        _OPEN if stages is None or stages.open else _CLOSED,
        "Response time counts from the intended start; service time from the moment the request was sent.",
        "Percentiles come from merged histograms (at most 0.4% wrong), never from averages.",
        f"Figures are of the steady part: {steady} of held load after a warm-up of {warmup}.",
        "A request that had not ended when the run did counts as failed, with its age as a lower bound.",
        "The generator's own lag in waking a user is measured apart and is in no response time.",
    ]
    return Section("method", "Method", "", [More("How these figures were made", [Note("", "muted", items)])])
