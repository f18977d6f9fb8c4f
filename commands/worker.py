"""`harness worker`: this machine makes load for a run that is steered on another."""

from __future__ import annotations

import click


@click.command(short_help="Make load for a run on another machine.")
@click.option("--master", required=True, metavar="HOST[:PORT]", help="Where the run waits (its --bind).")
@click.option("--wait", default="1m", show_default=True, help="How long to wait for the run.")
def worker(master: str, wait: str) -> None:
    """Make load for a `harness run --workers N` on another machine: one generator, on one core.

    The run says which scenario: its file is looked for here under the same path, and has to be the same.
    """
    from drive.workers import join

    join(master, wait, say=lambda text: click.echo(text, err=True))
