"""The page of a capacity search: how much, what gives way first, and until when it lasts."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.bottleneck.resources import TIER_NAMES
from analysis.capacity import Capacity
from analysis.headroom import Headroom
from reports.parts import Answer, Fact, Page, Tone, kept
from reports.render import write_page
from reports.run_data import RunReport, read_report
from reports.sections import about, capacity, endpoints, over_time, tiers, trouble
from reports.words import counted, sentence
from results import Run
from results.units import show_duration, show_rate, show_ratio

if TYPE_CHECKING:
    from analysis.bottleneck import Diagnosis


def write_capacity_report(
    run: Run,
    found: Capacity,
    path: Path,
    *,
    diagnosis: Diagnosis | None = None,
    headroom: Headroom | None = None,
) -> Path:
    """Write the page of a search that was run as `run` and found `found`.

    `diagnosis` says what gives way first; `headroom` is left out where no forecast was given.
    """
    return write_page(capacity_page(read_report(run), found, diagnosis, headroom), path)


def capacity_page(
    report: RunReport,
    found: Capacity,
    diagnosis: Diagnosis | None = None,
    headroom: Headroom | None = None,
) -> Page:
    """The page's data, in the order of a capacity review."""
    run = report.run
    told = _answer(report, found, diagnosis, headroom)
    sections = [
        capacity.how_much(report, found),
        capacity.gives_way(report, diagnosis),
        capacity.where_the_time_went(report),
        tiers.caches(report),
        capacity.scaling(report),
        capacity.headroom(headroom),
        capacity.levels(found),
        over_time.over_time(report),
        endpoints.endpoints(report),
        *tiers.tiers(report),
        *trouble.trouble(report),
        tiers.blind(report),
        about.environment(report),
        about.method(report),
    ]
    return Page(
        title=f"{told.sentence} {run.id}",
        kicker=["Capacity report", run.scenario, f"target {run.target}"],
        when=f"{run.started_at:%-d %b %Y %H:%M %Z}, {show_duration(run.duration_s)}",
        answer=told,
        facts=_facts(report, found, headroom),
        sections=kept(sections),
        foot=f"Run {run.id}. Made from run.db alone, and can be made again with: harness report {run.id}",
    )


def _answer(
    report: RunReport, found: Capacity, diagnosis: Diagnosis | None, headroom: Headroom | None
) -> Answer:
    first = diagnosis.first if diagnosis else None
    accent = f"{show_rate(found.rate_per_s)}" if found.rate_per_s is not None else ""
    why = sentence(diagnosis.sentence) if diagnosis else "What gives way first was not looked for."
    why += f" {headroom.sentence}" if headroom else ""
    if report.doubts:
        why = f"It cannot be trusted: {report.doubts[0].text}. {why}"
    return Answer(
        found.sentence(first.name if first else None),
        why,
        sentence(first.advice) if first else "",
        "" if found.found and not report.doubts else "warn",
        accent,
        "bottleneck" if first else "load",
    )


def _facts(report: RunReport, found: Capacity, headroom: Headroom | None) -> list[Fact]:
    return [_capacity_fact(found), *_forecast_facts(found, headroom), _trust_fact(report, found)]


def _capacity_fact(found: Capacity) -> Fact:
    if found.rate_per_s is None or found.low_per_s is None or found.high_per_s is None:
        shown = show_rate(found.last_pass.rate_per_s) if found.last_pass else "not found"
        return Fact("Capacity", f"at least {shown}" if found.last_pass else shown, found.why, "warn")
    fail = f", first fail {show_rate(found.first_fail.rate_per_s)}" if found.first_fail else ""
    return Fact(
        "Capacity",
        show_rate(found.rate_per_s),
        f"{show_rate(found.low_per_s)} to {show_rate(found.high_per_s)}{fail}",
    )


def _forecast_facts(found: Capacity, headroom: Headroom | None) -> list[Fact]:
    if headroom is None:
        through = show_rate(found.max_per_s) if found.max_per_s is not None else "–"
        bound = "overloaded beyond it" if found.max_is_bound else "not driven beyond it"
        hit = found.first_hit.text if found.first_hit else "none"
        return [
            Fact("Highest rate at all", through, f"objectives aside; {bound}"),
            Fact("First objective hit", hit, f"{counted(len(found.limits), 'objective')} watched"),
        ]
    peak = headroom.forecast.peak_per_s
    tone: Tone = "bad" if headroom.ratio < 0 else ""
    facts = [Fact("Forecast peak", show_rate(peak), f"headroom {show_ratio(headroom.ratio)}", tone)]
    if not headroom.tiers:
        return [*facts, Fact("Highest rate at all", show_rate(found.max_per_s or 0.0), "objectives aside")]
    several = [(tier, need) for tier, need in headroom.tiers if need.utilisation_one_lost < math.inf]
    rate, tier = min(
        (headroom.capacity_per_s - need.capacity_per_instance_s, tier)
        for tier, need in several or headroom.tiers
    )
    above = "still above the forecast" if rate >= peak else "below the forecast"
    name = f"With one {TIER_NAMES.get(tier, tier).removesuffix(' instances')} instance lost"
    return [*facts, Fact(name, show_rate(rate), above, "" if rate >= peak else "bad")]


def _trust_fact(report: RunReport, found: Capacity) -> Fact:
    invalid = sum(level.outcome == "invalid" and level.purpose != "recover" for level in found.levels)
    if report.doubts:
        return Fact("Can it be trusted?", "No", sentence(report.doubts[0].text), "warn")
    cpu = report.samples.highest("generator", "cpu_ratio")
    load = f", generator at most {show_ratio(cpu)} of a core" if cpu is not None else ""
    left_out = f", {counted(invalid, 'level')} left out" if invalid else ""
    scheduled = report.run.account.scheduled
    return Fact(
        "Can it be trusted?", "Yes", f"all {scheduled:,} arrivals accounted for{load}{left_out}", "good"
    )
