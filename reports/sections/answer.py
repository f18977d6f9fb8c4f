"""The answer on top of a run's page: the verdict as a sentence, why, what to do, and four facts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from analysis.slo import SloResult
from analysis.tiers import TierFigure, TierPanel
from reports.parts import Answer, Fact, Tone
from reports.run_data import RunReport
from reports.words import counted, listed, sentence, show_value
from results import Slo
from results.units import show_duration, show_latency, show_rate, show_ratio, three_digits

if TYPE_CHECKING:
    from analysis.bottleneck import Diagnosis

_NO_CAUSE = "No part that was watched was full. See where the time went, and the errors below."
_TONES: dict[str, Tone] = {"pass": "good", "fail": "bad", "inconclusive": ""}


def answer(report: RunReport, diagnosis: Diagnosis | None = None) -> Answer:
    """The verdict on a run. Doubts come before objectives: what cannot be trusted passes nothing.

    `diagnosis` names what gave way; without one, the part nearest to its limit is all that can be said.
    """
    if not report.overall.requests:
        return _nothing(report)
    if report.doubts and report.verdict.outcome != "fail":
        return _untrusted(report)
    cause = _cause(report, diagnosis)
    if report.failed:
        return _failed(report, *cause)
    return _passed(report, cause[0])


def _nothing(report: RunReport) -> Answer:
    ended = f"The run is {report.run.state} and holds no request after its warm-up"
    also = "".join(f" Also: {one.text}." for one in report.doubts)
    # A run that came to its end was too short; of any other, how it ended says more.
    why = f": {report.doubts[0].text}" if report.doubts and report.run.state != "finished" else ""
    return Answer(
        f"Nothing was measured{why}.",
        f"{ended} of {show_duration(report.run.warmup_s)}.{also}",
        "Let it run longer than its warm-up, and look at the gaps and logs below.",
        tone="warn",
    )


def _cause(report: RunReport, diagnosis: Diagnosis | None) -> tuple[str, str]:
    """What gave way or is nearest to it, and what to do about it, in words."""
    if diagnosis is not None:
        first = diagnosis.first
        return sentence(diagnosis.sentence), sentence(first.to_try) if first else _NO_CAUSE
    full = busiest(report.panels)
    if full is None:
        return "", _NO_CAUSE
    panel, figure = full
    if not figure.is_full:
        return _busy_words(panel, figure), _NO_CAUSE
    where = f"{panel.title}, {_thing(figure)}"
    return _busy_words(panel, figure), f"Look there first ({where}): what is full makes all before it wait."


def _untrusted(report: RunReport) -> Answer:
    first, *others = report.doubts
    figures = f"What was measured: p99 {show_latency(p99_us(report))}{_at_rate(report)}."
    more = "".join(f" Also: {doubt.text}." for doubt in others)
    return Answer(
        f"This run cannot be trusted: {first.text}.",
        f"{figures}{more}",
        f"{sentence(first.advice)} Until then no figure below is evidence for or against the system.",
        tone="warn",
        accent="cannot be trusted",
        evidence="account",
    )


def _failed(report: RunReport, cause: str, advice: str) -> Answer:
    worst = report.failed[0]
    what = f"{worst.slo.endpoint} {worst.slo.figure}" if worst.slo.endpoint else worst.slo.figure
    figure = figure_of(worst.slo, worst.measured)
    said = f"{what[0].upper() + what[1:] if what == 'errors' else what} reached {figure}"
    others = f": {listed([one.slo.text for one in report.failed])}" if len(report.failed) > 1 else ""
    missed = f"{len(report.failed)} of {counted(len(report.objectives), 'objective')} missed{others}."
    return Answer(
        f"{said}{_at_rate(report)}; the limit is {figure_of(worst.slo, worst.slo.limit)}.",
        f"{missed}{''.join(f' And {doubt.text}.' for doubt in report.doubts)} {cause}".strip(),
        advice,
        tone="bad",
        accent=said,
        evidence="bottleneck",
    )


def _passed(report: RunReport, cause: str) -> Answer:
    p99, at = show_latency(p99_us(report)), _at_rate(report)
    if not report.objectives:
        return Answer(
            f"p99 was {p99}{at}; no objective was set.",
            f"Half of all answers came within {_latency(report, 0.5)}. {cause}".strip(),
            "Set objectives with --slo 'p99 < 250ms, errors < 0.1%' to have a verdict.",
            accent=f"p99 was {p99}",
            evidence="time",
        )
    unclear = [one for one in report.objectives if one.outcome == "inconclusive"]
    if unclear:
        return _unclear(report, unclear, p99, at)
    closest = min(report.objectives, key=lambda one: one.margin)
    number = len(report.objectives)
    within = "within its objective" if number == 1 else f"within all {number} objectives"
    return Answer(
        f"p99 stayed at {p99}{at}: {within}.",
        f"{_closest_words(closest)} {cause}".strip(),
        tone="good",
        accent=f"p99 stayed at {p99}",
        evidence="objectives",
    )


def _unclear(report: RunReport, unclear: list[SloResult], p99: str, at: str) -> Answer:
    first = unclear[0]
    return Answer(
        f"Cannot tell whether {first.slo.text} was kept.",
        f"{sentence('; '.join(first.doubts))} p99 over everything was {p99}{at}.",
        "Run longer or at a higher rate, so that there is enough to judge by.",
        tone="warn",
        accent="Cannot tell",
        evidence="objectives",
    )


def _closest_words(closest: SloResult) -> str:
    used = closest.measured / closest.slo.limit if closest.slo.limit else 0.0
    figure = figure_of(closest.slo, closest.measured)
    return f"The closest was {closest.slo.text}, at {figure} ({show_ratio(used)} of it)."


def _at_rate(report: RunReport) -> str:
    stages, rate = report.run.stages, report.finished_per_s
    if math.isnan(rate):
        rate = report.overall.rate_per_s
    held = {level for _, _, level in stages.holds()} if stages else set()
    if stages and not stages.open:
        return f" with {stages.peak:g} users"
    if stages and len(held) != 1:
        return f" at up to {show_rate(stages.peak)}"
    return f" at {show_rate(rate)}"


def _busy_words(panel: TierPanel, figure: TierFigure) -> str:
    value, limit = show_value(figure.value, figure.unit), show_value(figure.of or 0, figure.unit)
    share = f"{value} of {limit}" if figure.unit != "ratio" else value
    how = "Full" if figure.is_full else "The busiest part"
    return f"{how}: {panel.title}, {_thing(figure)}, {share} at its highest."


def _thing(figure: TierFigure) -> str:
    name = figure.name.split(",")[0]
    return name if name.isupper() else name[0].lower() + name[1:]


def busiest(panels: list[TierPanel]) -> tuple[TierPanel, TierFigure] | None:
    """The figure nearest to its limit; memory is left out, as caches are meant to fill theirs."""
    found = [
        (figure.value / figure.of, panel, figure)
        for panel in panels
        for figure in panel.figures
        if figure.of and figure.unit != "bytes" and panel.tier != "generator"
    ]
    return max(found, key=lambda one: one[0])[1:] if found else None


def _latency(report: RunReport, q: float) -> str:
    return show_latency(report.overall.response.quantile_us(q))


def p99_us(report: RunReport) -> float:
    """The steady part's p99 of the response time."""
    return report.overall.response.quantile_us(0.99)


def figure_of(slo: Slo, value: float) -> str:
    """A value of an SLO's own figure in words."""
    return show_ratio(value) if slo.metric == "errors" else show_latency(value)


def facts(report: RunReport) -> list[Fact]:
    """Achieved rate, p99, errors, and whether to trust them."""
    return [_rate_fact(report), _p99_fact(report), _error_fact(report), _trust_fact(report)]


def _rate_fact(report: RunReport) -> Fact:
    asked, finished, requests = report.asked_per_s, report.finished_per_s, report.overall.rate_per_s
    if math.isnan(finished) or math.isnan(asked):
        return Fact("Achieved rate", show_rate(requests), "requests; arrivals were not recorded")
    # By when both were due: of a system that does not keep up fewer arrivals ended than made requests.
    per = requests / asked if asked else math.nan
    each = f", {three_digits(per)} requests each" if math.isfinite(per) and abs(per - 1) > 0.02 else ""
    stages = report.run.stages
    if stages is not None and not stages.open:
        return Fact("Achieved rate", show_rate(finished), f"arrivals from {stages.peak:g} users{each}")
    share = finished / asked if asked else math.nan
    tone: Tone = "bad" if share < 0.98 else ""
    return Fact(
        "Achieved rate",
        show_rate(finished),
        f"of {show_rate(asked)} arrivals asked for on average{each}",
        tone,
    )


def _p99_fact(report: RunReport) -> Fact:
    service = report.overall.service
    limits = [one for one in report.objectives if one.slo.metric == "latency" and one.slo.endpoint is None]
    exact = next((one for one in limits if one.slo.quantile == 0.99), None)
    tone: Tone = _TONES[exact.outcome] if exact else ""
    limit = f"limit {show_latency(exact.slo.limit)}; " if exact else ""
    small = (
        f"{limit}p50 {_latency(report, 0.5)}, service time alone {show_latency(service.quantile_us(0.99))}"
    )
    return Fact("p99 response time", show_latency(p99_us(report)), small, tone)


def _error_fact(report: RunReport) -> Fact:
    failed, ratio = report.overall.failed, report.overall.error_ratio
    limit = next(
        (one for one in report.objectives if one.slo.metric == "errors" and one.slo.endpoint is None), None
    )
    tone: Tone = "bad" if limit and limit.outcome == "fail" else "good" if failed == 0 else ""
    words = f"{failed:,} of {counted(report.overall.requests, 'request')}"
    small = f"{words}; limit {show_ratio(limit.slo.limit)}" if limit else words
    return Fact(
        "Errors", show_ratio(ratio) if failed else "None" if report.overall.requests else "–", small, tone
    )


def _trust_fact(report: RunReport) -> Fact:
    account = report.run.account
    cpu = report.samples.highest("generator", "cpu_ratio")
    load = f", generator at most {show_ratio(cpu)} of a core" if cpu is not None else ""
    if report.doubts:
        return Fact("Can this run be trusted?", "No", sentence(report.doubts[0].text), "warn")
    if not account.scheduled:
        return Fact("Can this run be trusted?", "Unknown", "arrivals were not counted", "warn")
    return Fact(
        "Can this run be trusted?", "Yes", f"all {account.scheduled:,} arrivals accounted for{load}", "good"
    )
