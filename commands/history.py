"""Commands over the runs that are stored."""

from __future__ import annotations

from pathlib import Path

import click

from commands.shared import RUNS_FOLDER


@click.command()
@RUNS_FOLDER
def runs(runs_folder: Path) -> None:
    """List stored runs, the newest first."""
    from results import HarnessError, find_runs, open_run
    from results.units import show_duration

    found = list(find_runs(runs_folder))
    if not found:
        click.echo(f"no runs in {runs_folder}: 'harness run web/browse' makes one")
    for file in found:
        try:
            told = open_run(file)
        except HarnessError as problem:
            click.echo(f"{file.parent.name}  cannot be read: {problem}")
            continue
        stages = str(told.stages) if told.stages else told.kind
        length = show_duration(told.duration_s)
        click.echo(f"{told.id}  {told.state:<11} {told.target:<10} {length:>10}  {told.scenario}  {stages}")
        told.close()
