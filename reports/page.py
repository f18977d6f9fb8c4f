"""The page of a single run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from reports.parts import Page, kept
from reports.render import write_page
from reports.run_data import RunReport, read_report
from reports.sections import (
    about,
    alerts,
    bottleneck,
    caches,
    endpoints,
    faults,
    load,
    over_time,
    requests,
    tiers,
    trouble,
)
from reports.sections.answer import answer, facts
from results import Run
from results.units import show_duration

if TYPE_CHECKING:
    from analysis.bottleneck import Diagnosis


def write_report(run: Run, path: Path, diagnosis: Diagnosis | None = None) -> Path:
    """Write a run's page as one offline HTML file. Raises HarnessError if it cannot be written.

    `diagnosis` says what gives way first; without one the page shows how full each part was. A capacity
    search that ended gets the page of a capacity search.
    """
    if run.kind == "capacity":
        # The fits of a capacity page need scipy, a second to import that no other page has to wait for.
        from reports.capacity_page import write_capacity_report
        from reports.stored import stored_review

        told = stored_review(run)
        if told is not None:
            return write_capacity_report(read_report(run), told, path)
    return write_page(run_page(read_report(run), diagnosis), path)


def run_page(report: RunReport, diagnosis: Diagnosis | None = None) -> Page:
    """The page's data: the answer, four facts, then what it rests on, from the load down to the machine."""
    run = report.run
    verdict = answer(report, diagnosis)
    sections = [
        load.objectives(report),
        load.against_rate(report),
        bottleneck.ranked(diagnosis),
        faults.faults(report),
        over_time.over_time(report),
        load.percentiles(report),
        endpoints.endpoints(report),
        *tiers.tiers(report),
        caches.caches(report),
        requests.files(report),
        requests.teams(report),
        alerts.alerts(report),
        *trouble.trouble(report),
        tiers.blind(report),
        about.environment(report),
        about.method(report),
    ]
    return Page(
        title=f"{verdict.sentence} {run.id}",
        kicker=["Run report", run.scenario, f"target {run.target}"],
        when=f"{run.started_at:%-d %b %Y %H:%M %Z}, {show_duration(run.duration_s)}",
        answer=verdict,
        facts=facts(report),
        sections=kept(sections),
        foot=f"Run {run.id}. Made from run.db alone, and can be made again with: harness report {run.id}",
    )
