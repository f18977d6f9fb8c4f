"""The page of a capacity search: how much, what gives way first, and until when it lasts."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

from analysis.bottleneck.resources import TIER_NAMES
from analysis.capacity import Capacity, Review
from analysis.headroom import Headroom
from reports.parts import Answer, Fact, Page, Section, Tone, kept
from reports.render import write_page
from reports.run_data import RunReport
from reports.sections import (
    about,
    alerts,
    caches,
    capacity,
    capacity_ahead,
    capacity_curve,
    endpoints,
    over_time,
    saturation,
    tiers,
    trouble,
)
from reports.words import counted, sentence
from results.units import show_duration, show_rate, show_ratio

_TONES: dict[bool | None, Tone] = {True: "", False: "bad", None: "warn"}
"""Of a peak that is carried, that is not, or of which that is not known."""


def write_capacity_report(report: RunReport, told: Review, path: Path) -> Path:
    """Write the page of a search. Raises HarnessError if it cannot be written."""
    return write_page(capacity_page(report, told), path)


def capacity_page(report: RunReport, told: Review) -> Page:
    """The page's data, in the order of a capacity review."""
    run, found = report.run, told.capacity
    verdict = _answer(report, told)
    watched = {panel.tier for panel in report.panels}
    sections = [
        capacity_curve.how_much(report, found),
        saturation.gives_way(report, told),
        capacity.where_the_time_went(told),
        capacity_ahead.scaling(told),
        capacity_ahead.headroom(told, watched),
        capacity.objectives(told),
        capacity.levels(found),
        saturation.demands(told),
        caches.caches(report),
        alerts.alerts(report),
        over_time.over_time(report),
        endpoints.endpoints(report),
        *tiers.tiers(report),
        *trouble.trouble(report),
        tiers.blind(report),
        about.environment(report),
        about.method(report),
    ]
    shown = kept(sections)
    return Page(
        title=f"{verdict.sentence} {run.id}",
        kicker=["Capacity report", run.scenario, f"target {run.target}"],
        when=f"{run.started_at:%-d %b %Y %H:%M %Z}, {show_duration(run.duration_s)}",
        answer=verdict,
        facts=[_linked(fact, shown) for fact in _facts(report, told)],
        sections=shown,
        foot=f"Run {run.id}. Made from run.db alone, and can be made again with: harness report {run.id}",
    )


def _linked(fact: Fact, shown: list[Section]) -> Fact:
    """The fact, its link only where it leads somewhere."""
    return fact if fact.href.removeprefix("#") in {one.id for one in shown} else replace(fact, href="")


def _answer(report: RunReport, told: Review) -> Answer:
    found, first = told.stated, told.first
    why = sentence(told.unexplained if found.found and first is None else told.diagnosis.sentence)
    why += f" {told.headroom.sentence}" if told.headroom else ""
    if report.run.state == "interrupted":
        why = f"The search was interrupted: this is what its levels say. {why}"
    advice = told.doubts[0] if told.doubts else told.diagnosis.first
    return Answer(
        found.sentence(first.name if first else None),
        why,
        sentence(advice.advice) if advice else "",
        "" if told.claimed else "warn",
        show_rate(found.rate_per_s) if found.rate_per_s is not None else "",
        evidence="bottleneck",
        measured="load",
    )


def _facts(report: RunReport, told: Review) -> list[Fact]:
    ahead = _forecast_facts(told, told.headroom) if told.headroom else _pair_facts(told)
    return [_capacity_fact(told), *ahead, _trust_fact(report, told)]


def _capacity_fact(told: Review) -> Fact:
    found = told.stated
    if told.refused:
        return Fact("Capacity", "not claimed", _kept_words(found), "warn", _against(told))
    if found.rate_per_s is None or found.low_per_s is None or found.high_per_s is None:
        shown = f"at least {show_rate(found.last_pass.rate_per_s)}" if found.last_pass else "not found"
        return Fact("Capacity", shown, f"bound not found: {found.why}", "warn", "#levels")
    passed = f"last pass {show_rate(found.last_pass.rate_per_s)}, " if found.last_pass else ""
    failed = (
        f"first fail {show_rate(found.first_fail.rate_per_s)}" if found.first_fail else "no fail above it"
    )
    between = f"90% interval {show_rate(found.low_per_s)} to {show_rate(found.high_per_s)}"
    return Fact("Capacity", show_rate(found.rate_per_s), f"{between}; {passed}{failed}", "", "#load")


def _kept_words(found: Capacity) -> str:
    """What is known where nothing is claimed."""
    if found.reason == "not measured":
        return found.why
    kept = found.last_pass
    return f"{show_rate(kept.rate_per_s)} was the highest rate kept" if kept else "no rate was kept"


def _against(told: Review) -> str:
    """Where the page shows why nothing is claimed."""
    if told.diagnosis.state == "generator":
        return "#bottleneck"
    return "#method" if told.doubts else "#levels"


def _pair_facts(told: Review) -> list[Fact]:
    found, rungs = told.stated, told.ladder
    if told.refused:
        return []
    through = show_rate(found.max_per_s) if found.max_per_s is not None else "–"
    bound = "overloaded beyond it" if found.max_is_bound else "not driven beyond it"
    critical = rungs.critical_per_s if rungs else None
    within = f"within the ladder {show_rate(critical)}" if critical else "no rung of the ladder was kept"
    hit = found.first_hit.text if found.first_hit else "none"
    return [
        Fact("Highest rate at all", through, f"{bound}; {within}", "", "#limits"),
        Fact("First objective hit", hit, f"{counted(len(found.limits), 'objective')} watched", "", "#limits"),
    ]


def _forecast_facts(told: Review, ahead: Headroom) -> list[Fact]:
    peak, least = ahead.peak_per_s, "at least " if ahead.at_least else ""
    until = f", {least}until {ahead.until:%B %Y}" if ahead.until and ahead.carries else ""
    headroom = f"headroom {least}{show_ratio(ahead.ratio)}{until}"
    small = f"{ahead.tested_words if ahead.carries is None else headroom}, {ahead.forecast.words}"
    first = Fact("Forecast peak", show_rate(peak), small, _TONES[ahead.carries], "#headroom")
    several = [(tier, need) for tier, need in ahead.tiers if need.utilisation_one_lost < math.inf]
    if not several:
        return [first, *_pair_facts(told)[:1]]
    rate, tier = min((ahead.capacity_per_s - need.capacity_per_instance_s, tier) for tier, need in several)
    name = f"With one {TIER_NAMES.get(tier, tier).removesuffix(' instances')} instance lost"
    if rate >= peak:
        return [first, Fact(name, f"{least}{show_rate(rate)}", "still above the forecast", "", "#headroom")]
    below = "not tested so far" if ahead.at_least else "below the forecast"
    tone = _TONES[None if ahead.at_least else False]
    return [first, Fact(name, f"{least}{show_rate(rate)}", below, tone, "#headroom")]


def _trust_fact(report: RunReport, told: Review) -> Fact:
    invalid = sum(bool(level.problems) for level in told.capacity.levels)
    name = "Can it be trusted?"
    if told.refused:
        return Fact(name, "No", sentence(told.refused), "warn", _against(told))
    cpu = report.samples.highest("generator", "cpu_ratio")
    load = f", generator at most {show_ratio(cpu)} of a core" if cpu is not None else ""
    left_out = f", {counted(invalid, 'level')} left out" if invalid else ""
    accounted = f"all {report.run.account.scheduled:,} arrivals accounted for"
    words = f"{accounted}{load}{left_out}, {told.stated.confirmed_words}"
    return Fact(name, "Yes", words, "good", "#levels")
