"""`harness history`: how a scenario's figures went over its stored runs."""

from __future__ import annotations

from pathlib import Path

import click

from commands.shared import RUNS_FOLDER


@click.command(short_help="Draw a scenario's trend, and what changed where.")
@click.argument("scenario")
@click.option("--figure", default="p99", show_default=True, help="p50, p95, p99, errors or rate.")
@click.option("--target", help="Only runs on a target.")
@click.option("--page", type=click.Path(path_type=Path, dir_okay=False), help="Where to write the page.")
@RUNS_FOLDER
def history(scenario: str, figure: str, target: str | None, page: Path | None, runs_folder: Path) -> None:
    """Draw the trend of a SCENARIO over its stored runs, and say what changed where it changed."""
    from analysis.history import histories, usable
    from commands.runs import with_figures
    from reports.history_page import figure_kind, history_page
    from reports.history_terminal import history_lines
    from reports.index import history_file, short_name
    from reports.render import write_page
    from results import HarnessError
    from results.catalogue import read_catalogue

    figure_kind(figure)
    everything = read_catalogue(runs_folder)
    known = sorted({one.scenario for one in everything if one.scenario})
    wanted = _named(scenario, known)
    if wanted is None:
        there = f"there are: {', '.join(known)}" if known else "'harness run' makes some"
        raise HarnessError(f"no runs of '{scenario}' in {runs_folder}: {there}")
    mine = [
        with_figures(one)
        for one in everything
        if one.scenario == wanted and one.target == (target or one.target)
    ]
    found = histories(mine, figure)
    if not found:
        raise HarnessError(
            f"no run of {wanted} can stand in a history: none is finished, valid and has its {figure}"
        )
    left_out = sum(not usable(one) for one in mine)
    name = short_name(wanted)
    written = write_page(
        history_page(name, found, runs_folder, left_out), page or history_file(runs_folder, wanted)
    )
    for line in history_lines(name, found):
        click.echo(line)
    click.echo(f"report: {written}")


def _named(name: str, known: list[str]) -> str | None:
    """The stored scenario with a name: as stored, or without its folder and ending."""
    from reports.index import short_name

    return next((one for one in known if short_name(name) == short_name(one)), None)
