"""Commands over the runs that are stored."""

from __future__ import annotations

from pathlib import Path

import click

from commands.shared import RUNS_FOLDER


@click.command()
@RUNS_FOLDER
def runs(runs_folder: Path) -> None:
    """List stored runs and duels, the newest first."""
    from results import HarnessError, find_duels, find_runs, is_duel, open_duel, open_run
    from results.units import show_duration

    found = [*find_runs(runs_folder), *find_duels(runs_folder)]
    found.sort(key=lambda file: file.parent.name, reverse=True)
    if not found:
        click.echo(f"no runs in {runs_folder}: 'harness run web/browse' makes one")
    for file in found:
        try:
            if is_duel(file):
                duel = open_duel(file)
                sides = f"{duel.baseline} against {duel.candidate}"
                what = f"duel: {duel.verdict or duel.state}"
                click.echo(
                    f"{duel.id}  {what}  {len(duel.pairs)} pairs  {duel.scenario}  {duel.stages}  {sides}"
                )
                continue
            told = open_run(file)
        except HarnessError as problem:
            click.echo(f"{file.parent.name}  cannot be read: {problem}")
            continue
        stages = str(told.stages) if told.stages else told.kind
        length = show_duration(told.duration_s)
        click.echo(f"{told.id}  {told.state:<11} {told.target:<10} {length:>10}  {told.scenario}  {stages}")
        told.close()
