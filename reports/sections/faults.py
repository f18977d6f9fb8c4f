"""Faults within the run: when each showed, when things were well again, what failed meanwhile."""

from __future__ import annotations

from analysis.fault_effects import FaultEffect, fault_effects
from reports.charts.axes import clock
from reports.parts import Cell, Column, Section, Table
from reports.run_data import RunReport
from reports.words import NONE, counted, show_count
from results import Run
from results.units import show_duration, show_ratio

_LEAD = (
    "Only what the harness saw itself counts as a sign, to the second: failed requests, tiers that were "
    "taken out or did not answer, and seconds far slower than all before."
)


def faults(report: RunReport) -> Section | None:
    """A row for each; None where the run had no fault."""
    effects = fault_effects(report.run)
    if not effects:
        return None
    columns = [
        Column("Fault", number=False),
        Column("Began"),
        Column("Lasted"),
        Column("Time to detect"),
        Column("First sign", number=False, wide=True),
        Column("Time to recover", what="from the end of the fault"),
        Column("Failed meanwhile"),
    ]
    table = Table("Faults within the run", columns, [_row(effect) for effect in effects])
    return Section("faults", "Faults within the run", _LEAD, [table])


def _row(effect: FaultEffect) -> list[Cell]:
    share = effect.failed / effect.requests if effect.requests else 0.0
    lasted = effect.to_s - effect.from_s
    return [
        Cell(effect.name, effect.text, strong=True),
        Cell(clock(effect.from_s), sort=effect.from_s),
        Cell(show_duration(lasted), sort=lasted),
        _time(effect.detect_s, "never shown"),
        Cell(effect.sign or NONE),
        _time(effect.recover_s, "not within the run") if effect.sign else Cell(NONE),
        Cell(
            show_count(effect.failed),
            f"{show_ratio(share)} of {counted(effect.requests, 'request')}",
            effect.failed,
            tone="bad" if effect.failed else "",
        ),
    ]


def _time(seconds: float | None, never: str) -> Cell:
    if seconds is None:
        return Cell(never, tone="warn")
    return Cell(show_duration(seconds) if seconds else "at once", sort=seconds)


def fault_lines(run: Run) -> list[str]:
    """One line for each, for a terminal."""
    return [_line(effect) for effect in fault_effects(run)]


def _line(effect: FaultEffect) -> str:
    when = f"{clock(effect.from_s)} to {clock(effect.to_s)}"
    failed = f"{counted(effect.failed, 'request')} failed"
    if effect.detect_s is None:
        return f"fault {effect.name}, {when}: never shown, {failed}"
    seen = f"shown after {show_duration(effect.detect_s)} ({effect.sign})"
    well = "not well again within the run"
    if effect.recover_s is not None:
        well = (
            f"well again {show_duration(effect.recover_s)} after its end"
            if effect.recover_s
            else "well at its end"
        )
    return f"fault {effect.name}, {when}: {seen}, {well}, {failed}"
