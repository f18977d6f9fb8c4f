"""Load made from a test, and the run that came of it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from analysis.slo import SloResult, judge_slos
from analysis.summary import summary_of
from analysis.validity import Reason, validity
from results import HarnessError, Run, open_run, parse_duration_s, parse_rate_per_s, parse_slos
from results.units import show_latency, show_rate, show_ratio


class NotValid(HarnessError):
    """A run that says nothing about the system: it cannot be trusted, or is too short for what was asked."""

    exit_code = 4


@dataclass(frozen=True)
class Judged:
    """Objectives held against a run: true where all are kept; in words, what was measured and the page."""

    results: tuple[SloResult, ...]
    page: str

    def __bool__(self) -> bool:
        return all(one.ok for one in self.results)

    def __repr__(self) -> str:
        return f"{'; '.join(map(_said, self.results))}; report: {self.page}"


class LoadedRun:
    """A valid run. Latencies in us, rates per second, shares 0 to 1, all of the steady part."""

    def __init__(self, run: Run, page: Path) -> None:
        self.run = run
        self.page = page

    def slo(self, text: str) -> Judged:
        """Whether objectives are kept, as in `p99 < 250ms, errors < 0.1%` or `todo.list p95 < 100ms`.

        Raises UsageError on what is no objective, NotValid where the run cannot tell.
        """
        __tracebackhide__ = True
        judged = Judged(tuple(judge_slos(self.run, slos=parse_slos(text))), _near(self.page))
        missed = any(one.outcome == "fail" for one in judged.results)
        open_ones = [one for one in judged.results if one.outcome == "inconclusive"]
        if open_ones and not missed:
            told = f"{open_ones[0].slo.text}: {'; '.join(open_ones[0].doubts)}"
            raise NotValid(f"cannot tell {told}; report: {judged.page}")
        reasons = validity(self.run).reasons
        if reasons and not missed:
            raise _not_valid(reasons[0], self.page)
        return judged

    @cached_property
    def figures(self) -> dict[str, float]:
        """`p50`, `p95` and `p99` in us, `errors` as a share, `rate` in requests per second."""
        return dict(summary_of(self.run).figures)

    def __repr__(self) -> str:
        shown = self.figures
        return (
            f"<run {self.run.id}: p99 {show_latency(shown['p99'])} at {show_rate(shown['rate'])},"
            f" errors {show_ratio(shown['errors'])}>"
        )


class Load:
    """Makes load on a target and keeps each run with its page in a folder."""

    def __init__(self, runs: Path, target: str | None = None) -> None:
        self.runs = runs
        self.target = target

    def __call__(
        self,
        scenario: str,
        *,
        rate: str | None = None,
        users: int | None = None,
        stages: str | None = None,
        duration: str | None = None,
        warmup: str | None = None,
        target: str | None = None,
        **options: Any,
    ) -> LoadedRun:
        """Run a scenario or a plan, as `harness run` does; `options` are others of a plan, such as `seed`.

        Raises NotValid where the run cannot be trusted, UsageError on bad input, HarnessError on what fails.
        """
        __tracebackhide__ = True
        from analysis.bottleneck import diagnose
        from drive.plan import plan_from
        from drive.progress import PlainProgress
        from drive.runs import run_plan
        from drive.target import find_target
        from reports.page import write_report
        from stack.control import running_stacks

        plan = plan_from(
            scenario,
            rate_per_s=parse_rate_per_s(rate) if rate else None,
            users=users,
            stages=stages,
            for_s=parse_duration_s(duration) if duration else None,
            warmup_s=parse_duration_s(warmup) if warmup else None,
            **options,
        )
        aim = find_target(target or self.target, running_stacks())
        aim.check_allowed(None)
        folder = run_plan(plan, aim, self.runs, PlainProgress(sys.stderr))
        run = open_run(folder)
        page = write_report(run, folder / "report.html", diagnose(run))
        doubts = [reason for reason in validity(run).reasons if reason.code != "not-steady"]
        if doubts:
            raise _not_valid(doubts[0], page)
        return LoadedRun(run, page)


def _not_valid(reason: Reason, page: Path) -> NotValid:
    return NotValid(f"the run is not valid: {reason.text}; {reason.advice}; report: {_near(page)}")


def _near(page: Path) -> str:
    """A page's path from here, where that is the shorter one: pytest cuts long lines in the middle."""
    return min(str(page), os.path.relpath(page), key=len)


def _said(one: SloResult) -> str:
    show = show_ratio if one.slo.metric == "errors" else show_latency
    state = {"pass": "kept", "fail": "missed", "inconclusive": "cannot be told"}[one.outcome]
    between = f" ({show(one.low)} to {show(one.high)})" if one.low == one.low else ""
    return f"{one.slo.text} {state}: {show(one.measured)}{between}"
