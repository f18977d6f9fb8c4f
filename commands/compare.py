"""`harness compare`: stored runs beside each other, for the eye."""

from __future__ import annotations

from pathlib import Path

import click

from commands.shared import RUNS_FOLDER, find_run


@click.command(short_help="Set 2 to 10 stored runs beside each other.")
@click.argument("names", nargs=-1, required=True, metavar="RUN RUN [RUN ...]")
@click.option("--page", type=click.Path(path_type=Path, dir_okay=False), help="Where to write the page.")
@RUNS_FOLDER
def compare(names: tuple[str, ...], page: Path | None, runs_folder: Path) -> None:
    """Set 2 to 10 stored RUNs beside each other, the first as baseline. For a verdict: `harness duel`."""
    from reports.compare_page import MOST_RUNS, comparison_page, read_compared
    from reports.compare_terminal import comparison_lines
    from reports.render import write_page
    from results import UsageError, open_run

    if not 2 <= len(names) <= MOST_RUNS:
        raise UsageError(f"compare takes 2 to {MOST_RUNS} runs, not {len(names)}")
    runs = [open_run(find_run(name, runs_folder)) for name in names]
    if len({run.path.resolve() for run in runs}) < len(runs):
        raise UsageError("one run was named twice: compare takes different runs")
    ids = [run.id for run in runs]
    compared = read_compared(runs)
    between = "-and-".join((ids[0], ids[-1])) if len(ids) == 2 else f"{ids[0]}-and-{len(ids) - 1}-more"
    written = write_page(comparison_page(compared), page or runs_folder / f"compare-{between}.html")
    for line in comparison_lines(compared):
        click.echo(line)
    click.echo(f"report: {written}")
