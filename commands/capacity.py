"""`harness capacity`: how much the system carries, what gives way first, and until when it lasts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from commands.shared import RUNS_FOLDER, TARGET, find_allowed_target, worker_options
from results.errors import UsageError

if TYPE_CHECKING:
    from analysis.capacity import Review, Settings
    from analysis.forecast import Forecast


@click.command(short_help="Find what the system carries and what gives way first.")
@click.argument("scenario")
@click.option(
    "--slo",
    default="p99<250ms, errors<0.1%",
    show_default=True,
    help='The objectives to stay within, per endpoint too: "p99<250ms, todo.list p95<100ms".',
)
@click.option("--forecast", help="The peak to be carried, e.g. 300/s, or a CSV of daily peaks (date,rate).")
@click.option("--growth", help="How the forecast's peak grows, e.g. 4%/month.")
@click.option("--budget", default="5m", show_default=True, help="How long the search may take.")
@click.option("--start", default="25/s", show_default=True, help="The first rate that is tried.")
@click.option("--max-rate", default="10000/s", show_default=True, help="The highest rate that is tried.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@TARGET
@click.option("--yes-load", help="Repeat the name of a production target to allow load on it.")
@click.option("--processes", type=click.IntRange(1, 64), help="Generator processes.")
@worker_options
@RUNS_FOLDER
def capacity(
    scenario: str,
    slo: str,
    forecast: str | None,
    growth: str | None,
    budget: str,
    start: str,
    max_rate: str,
    as_json: bool,
    target_name: str | None,
    yes_load: str | None,
    processes: int | None,
    workers: int | None,
    bind: str,
    wait: str,
    runs_folder: Path,
) -> int:
    """Find the highest rate that the system carries within its objectives, and what gives way first.

    Exit code 0 if a capacity was found, 4 if not.
    """
    from drive.capacity import find_capacity
    from drive.plan import plan_from
    from drive.progress import make_progress
    from drive.workers import workers_from
    from reports.terminal import capacity_exit_code
    from results.store import conclude

    settings = _settings(slo, start, max_rate, budget)
    ahead = _forecast(forecast, growth)
    plan = plan_from(scenario, processes=processes, workers=workers_from(workers, bind, wait))
    target = find_allowed_target(target_name, yes_load)
    info = {"forecast": ahead.to_dict()} if ahead else {}
    found = find_capacity(plan, target, settings, runs_folder, make_progress(), **info)
    told = answer_of(found.folder, as_json=as_json)
    summary = told.summary
    conclude(
        found.folder / "run.db", verdict=summary.verdict, figures=dict(summary.figures), answer=summary.said
    )
    if found.interrupted:
        click.echo("interrupted: this is what the levels so far say", err=True)
        sys.exit(130)
    return capacity_exit_code(told)


def answer_of(folder: Path, *, as_json: bool = False) -> Review:
    """Write a stored search's page and say what it found. Raises HarnessError."""
    from reports.as_json import capacity_json
    from reports.capacity_page import write_capacity_report
    from reports.run_data import read_report
    from reports.stored import stored_review
    from reports.terminal import capacity_lines
    from results import HarnessError, open_run

    run = open_run(folder)
    told = stored_review(run)
    if told is None:
        raise HarnessError(f"the search of {run.id} was killed before it had an answer: run it again")
    report = read_report(run)
    page = write_capacity_report(report, told, (folder if folder.is_dir() else folder.parent) / "report.html")
    if as_json:
        click.echo(capacity_json(report, told))
        return told
    for line in capacity_lines(told):
        click.echo(line)
    click.echo(f"report: {page}")
    return told


def _settings(slo: str, start: str, max_rate: str, budget: str) -> Settings:
    """What bounds the search. Raises UsageError."""
    from analysis.capacity import Settings
    from results.slo import parse_slos
    from results.units import parse_duration_s, parse_rate_per_s

    settings = Settings(
        tuple(parse_slos(slo)),
        parse_rate_per_s(start),
        parse_rate_per_s(max_rate),
        parse_duration_s(budget),
    )
    if not settings.slos:
        raise UsageError("--slo is empty: give at least one objective, e.g. 'p99<250ms'")
    if not settings.min_per_s <= settings.start_per_s <= settings.max_per_s:
        raise UsageError(f"--start {start} has to lie between 1/s and --max-rate {max_rate}")
    if settings.budget_s < settings.shortest_s:
        raise UsageError(
            f"--budget {budget} is too short for a search: give it {settings.shortest_s:.0f}s or more"
        )
    return settings


def _forecast(peak: str | None, growth: str | None) -> Forecast | None:
    """The forecast that was given, if any. Raises UsageError."""
    from analysis.forecast import forecast_from, forecast_in

    if peak is None:
        if growth is not None:
            raise UsageError("--growth is the growth of a forecast: give --forecast too")
        return None
    if "/" in peak and not Path(peak).exists() and not peak.endswith(".csv"):
        return forecast_from(peak, growth)
    if growth is not None:
        raise UsageError("a CSV of daily peaks has its own trend: leave --growth out")
    try:
        return forecast_in(Path(peak).read_text("utf-8"), peak)
    except (OSError, UnicodeDecodeError) as problem:
        raise UsageError(
            f"--forecast {peak} is neither a rate like 300/s nor a file that can be read"
        ) from problem
