"""`harness run`, `report` and `demo`: one run and its page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.shared import (
    RUNS_FOLDER,
    WARMUP_UNLESS_SAID,
    find_allowed_target,
    find_run,
    run_options,
    worker_options,
)

if TYPE_CHECKING:
    from drive.plan import Plan
    from drive.target import Target


@click.command(short_help="Put load on a system, and report what it did.")
@click.argument("scenario")
@click.option("--rate", help="Arrivals per second, e.g. 200/s (open model); 20/s unless a plan says.")
@click.option("--users", type=click.IntRange(1), help="Users (closed model).")
@click.option("--stages", help='e.g. "50/s for 30s, ramp to 200/s over 1m".')
@click.option("--for", "duration", help="How long, e.g. 2m; 60s unless a plan says.")
@click.option("--warmup", help=f"Left out of every figure, e.g. 5s; {WARMUP_UNLESS_SAID}.")
@click.option("--arrivals", type=click.Choice(["poisson", "even"]), help="How arrivals are spaced.")
@click.option(
    "--fault", "faults", multiple=True, metavar="NAME@30s..45s", help="Disturb the stack for a while."
)
@click.option(
    "--alerts",
    type=click.Path(path_type=Path),
    help="Alert rules in Prometheus's format, to see which would have fired.",
)
@run_options
@worker_options
@RUNS_FOLDER
def run(
    scenario: str,
    rate: str | None,
    users: int | None,
    stages: str | None,
    duration: str | None,
    warmup: str | None,
    target_name: str | None,
    yes_load: str | None,
    slo: str | None,
    workers: int | None,
    bind: str,
    wait: str,
    runs_folder: Path,
    **options: Any,
) -> int:
    """Run a SCENARIO (a locustfile, or a name like web/browse) or a plan, and write its report."""
    from drive.plan import plan_from
    from drive.workers import workers_from
    from results.units import parse_duration_s, parse_rate_per_s

    plan = plan_from(
        scenario,
        rate_per_s=parse_rate_per_s(rate) if rate else None,
        users=users,
        stages=stages,
        for_s=parse_duration_s(duration) if duration else None,
        slos=slo,
        warmup_s=parse_duration_s(warmup) if warmup else None,
        workers=workers_from(workers, bind, wait),
        **options,
    )
    target = find_allowed_target(target_name, yes_load)
    return run_and_report(plan, target, runs_folder)


def run_and_report(plan: Plan, target: Target, runs_folder: Path) -> int:
    """Make a run and its report; returns the exit code."""
    from drive.progress import make_progress
    from drive.runs import run_plan

    before = set(runs_folder.glob("*/run.db"))
    try:
        folder = run_plan(plan, target, runs_folder, make_progress())
    except KeyboardInterrupt:
        made = sorted(set(runs_folder.glob("*/run.db")) - before)
        if made:
            click.echo(f"interrupted; what was measured is kept: harness report {made[-1].parent}", err=True)
            sys.exit(130)
        raise
    return report_on(folder)


def report_on(folder: Path) -> int:
    """Write a stored run's page and say what it says; returns the exit code."""
    from analysis.bottleneck import diagnose
    from reports.page import write_report
    from reports.terminal import capacity_exit_code, summary
    from results import open_run

    told = open_run(folder)
    if told.kind == "capacity" and "capacity" in told.info:
        from commands.capacity import answer_of

        return capacity_exit_code(answer_of(folder))
    diagnosis = diagnose(told)
    page = (folder if folder.is_dir() else folder.parent) / "report.html"
    write_report(told, page, diagnosis)
    lines, code = summary(told, diagnosis)
    for line in lines:
        click.echo(line)
    click.echo(f"report: {page}")
    return code


@click.command(short_help="Write the report of a stored run or duel again.")
@click.argument("run_name", metavar="RUN")
@click.option("--force", is_flag=True, help="Judge a duel whose runs cannot be compared; its page says so.")
@RUNS_FOLDER
def report(run_name: str, force: bool, runs_folder: Path) -> int:
    """Write the report of a stored RUN or duel again; `last` is the newest."""
    from results import is_duel

    found = find_run(run_name, runs_folder)
    if is_duel(found):
        from commands.duel import report_on_duel

        return report_on_duel(found, force=force)
    return report_on(found)


@click.command(short_help="Everything once: stack up, load, report, stack down.")
@RUNS_FOLDER
def demo(runs_folder: Path) -> int:
    """Everything once: stack up, seeded, a short ramp through the load balancer, the report, stack down.

    Exit code 0 where the run was made, whatever it found; its page says that.
    """
    from drive.plan import plan_from
    from stack import control

    name = "demo"
    try:
        control.up(name, {}, say=lambda text: click.echo(text, err=True))
        return min(run_and_report(plan_from("demo"), find_allowed_target(name, None), runs_folder), 0)
    finally:
        control.down(name)
