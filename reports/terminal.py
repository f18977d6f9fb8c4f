"""The last lines of a run on a terminal: the few that matter, and the exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.parts import Answer
from reports.run_data import RunReport, read_report
from reports.sections.answer import answer, figure_of, p99_us
from reports.sections.bottleneck import first_line
from reports.sections.faults import fault_lines
from results import Run
from results.units import show_latency, show_rate, show_ratio

if TYPE_CHECKING:
    from analysis.bottleneck import Diagnosis
    from analysis.capacity import Capacity, Review

PASSED, FAILED, INCONCLUSIVE = 0, 3, 4


def summary(run: Run, diagnosis: Diagnosis | None = None) -> tuple[list[str], int]:
    """The lines (verdict, figures, why or what to do, what gives way, faults) and the verdict's exit code."""
    report = read_report(run)
    return summary_lines(report, diagnosis), exit_code(report)


def capacity_lines(told: Review) -> list[str]:
    """The answer of a capacity search: the number with its cause, then what qualifies it."""
    found, lines = told.stated, [told.answer]
    lines += [f"cannot be trusted: {reason.text}; {reason.advice}" for reason in told.doubts]
    if found.low_per_s is not None and found.high_per_s is not None:
        lines.append(
            f"90% interval {show_rate(found.low_per_s)} to {show_rate(found.high_per_s)}; {_bounds(found)}"
        )
    first = told.diagnosis.first
    if first is not None and first.advice:
        later = f"; {first.next_limit}" if first.next_limit else ""
        lines.append(f"try: {first.advice}{later}")
    if found.max_per_s is not None and told.ladder is not None and told.ladder.critical_per_s is not None:
        pair = f"highest rate at all {show_rate(found.max_per_s)}"
        pair += "" if found.max_is_bound else " (not driven beyond it)"
        lines.append(
            f"{pair}; within the ladder {show_rate(told.ladder.critical_per_s)} ({told.ladder.words})"
        )
    if told.headroom is not None:
        lines.append(told.headroom.sentence)
    lines += [f"warning: {text}" for text in told.warnings]
    return lines


def capacity_exit_code(told: Review) -> int:
    """0 where a capacity is claimed, 4 where none is."""
    return PASSED if told.claimed else INCONCLUSIVE


def _bounds(found: Capacity) -> str:
    """The last pass, the first fail, and the rate that a last level confirmed."""
    passed = f"last pass {show_rate(found.last_pass.rate_per_s)}" if found.last_pass else "no pass"
    failed = (
        f"first fail {show_rate(found.first_fail.rate_per_s)}" if found.first_fail else "no fail above it"
    )
    return f"{passed}, {failed}; {found.confirmed_words}"


def summary_lines(report: RunReport, diagnosis: Diagnosis | None = None) -> list[str]:
    """The verdict, the figures it rests on, why or what to do; what gives way first; what faults did."""
    told: Answer = answer(report, diagnosis)
    cause = [first_line(diagnosis)] if diagnosis is not None and diagnosis.state != "none" else []
    return [
        told.sentence,
        _figures(report),
        (told.advice if report.verdict.outcome != "pass" else "") or told.why,
        *cause,
        *fault_lines(report.run),
    ]


def exit_code(report: RunReport) -> int:
    """0 passed, 3 an objective was missed, 4 not valid or nothing measured."""
    if not report.overall.requests:
        return INCONCLUSIVE
    return {"pass": PASSED, "fail": FAILED, "inconclusive": INCONCLUSIVE}[report.verdict.outcome]


def _figures(report: RunReport) -> str:
    overall = report.overall
    if not overall.requests:
        return "no requests after the warm-up"
    pieces = [
        f"{overall.requests:,} requests at {show_rate(overall.rate_per_s)}",
        f"p50 {show_latency(overall.response.quantile_us(0.5))}",
        f"p99 {show_latency(p99_us(report))}",
        f"errors {show_ratio(overall.error_ratio)}",
    ]
    for one in report.objectives:
        state = {"pass": "ok", "fail": "MISSED", "inconclusive": "cannot tell"}[one.outcome]
        pieces.append(f"{one.slo.text}: {figure_of(one.slo, one.measured)} {state}")
    return "; ".join(pieces)
