"""`harness capacity`: how much the system carries."""

from __future__ import annotations

from pathlib import Path

import click

from commands.shared import RUNS_FOLDER, find_allowed_target


@click.command()
@click.argument("scenario")
@click.option(
    "--slo", default="p99<250ms, errors<0.1%", show_default=True, help="The objectives to stay within."
)
@click.option("--start", default="25/s", show_default=True, help="The first rate that is tried.")
@click.option("--budget", default="5m", show_default=True, help="How long the search may take.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@click.option("--target", "target_name", help="A stack's name, one of targets/, or a TOML file.")
@click.option("--yes-load", help="Repeat the name of a production target to allow load on it.")
@RUNS_FOLDER
def capacity(
    scenario: str,
    slo: str,
    start: str,
    budget: str,
    as_json: bool,
    target_name: str | None,
    yes_load: str | None,
    runs_folder: Path,
) -> int:
    """Find the highest rate that the system carries within its objectives."""
    from analysis.capacity import Settings
    from drive.capacity import find_capacity
    from drive.plan import plan_from
    from drive.progress import make_progress
    from reports.capacity_page import write_capacity_report
    from results import open_run
    from results.slo import parse_slos
    from results.units import parse_duration_s, parse_rate_per_s

    settings = Settings(tuple(parse_slos(slo)), parse_rate_per_s(start), budget_s=parse_duration_s(budget))
    target = find_allowed_target(target_name, yes_load)
    folder, found = find_capacity(plan_from(scenario), target, settings, runs_folder, make_progress())
    page = write_capacity_report(open_run(folder), found, folder / "report.html")
    if as_json:
        click.echo((folder / "capacity.json").read_text())
    else:
        click.echo(found.sentence())
        if found.low_per_s is not None and found.high_per_s is not None:
            click.echo(f"90% interval {found.low_per_s:.0f} to {found.high_per_s:.0f}/s")
        click.echo(f"report: {page}")
    return 0 if found.found else 4
