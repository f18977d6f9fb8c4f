"""The lines that matter at the end of a run, and the exit code that says the same."""

from __future__ import annotations

import math

from analysis.validity import validity
from reports.run_data import Objective, RunReport, read_report
from results import Run
from results.units import show_latency, show_rate, show_ratio

PASSED, FAILED, NOT_VALID = 0, 3, 4


def summary(run: Run) -> tuple[list[str], int]:
    """Three lines (verdict, figures, trust) and the exit code: 0 passed, 3 failed, 4 not valid."""
    report = read_report(run)
    trust = validity(run)
    verdict, code = _verdict(report)
    account = run.account
    lines = [verdict, _figures(report)]
    if trust.valid:
        lines.append(f"The run is valid: all {account.scheduled:,} arrivals are accounted for.")
        return lines, code
    reasons = "; ".join(f"{reason.text} ({reason.advice})" for reason in trust.reasons)
    lines.insert(0, f"This run cannot be trusted: {reasons}.")
    return lines, NOT_VALID


def _verdict(report: RunReport) -> tuple[str, int]:
    if not report.objectives:
        return 'No objectives were set: --slo "p99<250ms, errors<0.1%" makes this a verdict.', PASSED
    missed = [one for one in report.objectives if one.passed is False]
    unknown = [one for one in report.objectives if one.passed is None]
    if missed:
        return f"FAILED: {'; '.join(map(_said, missed))}.", FAILED
    if unknown:
        return (
            f"Cannot tell: nothing was measured for {', '.join(one.slo.text for one in unknown)}.",
            NOT_VALID,
        )
    return f"Passed: {'; '.join(map(_said, report.objectives))}.", PASSED


def _said(objective: Objective) -> str:
    is_ratio = objective.slo.metric == "errors"
    measured = show_ratio(objective.measured) if is_ratio else show_latency(objective.measured)
    return f"{objective.slo.text} (measured {measured})"


def _figures(report: RunReport) -> str:
    response = report.overall.response
    asked = "" if math.isnan(report.asked_per_s) else f" of {show_rate(report.asked_per_s)} asked"
    errors = report.overall.failed / report.overall.requests if report.overall.requests else math.nan
    return (
        f"{show_rate(report.finished_per_s)} arrivals finished{asked}; response time"
        f" p50 {show_latency(response.quantile_us(0.5))}, p99 {show_latency(response.quantile_us(0.99))};"
        f" errors {show_ratio(errors)}."
    )
