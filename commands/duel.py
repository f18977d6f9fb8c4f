"""`harness duel`: whether a candidate is worse than a baseline."""

from __future__ import annotations

from pathlib import Path

import click


def report_on_duel(folder: Path, *, force: bool = False) -> int:
    """Write a stored duel's page and say what it says; returns the exit code.

    Raises NotComparable where its runs must not be compared, unless that is forced.
    """
    from analysis.duel_stored import judge_stored
    from analysis.gate import EXIT_CODES
    from reports.duel_page import write_duel_report
    from results import open_duel

    judged = judge_stored(open_duel(folder), force=force)
    page = write_duel_report(judged, judged.stored.folder / "report.html")
    click.echo(judged.result.sentence)
    for doubt in judged.result.doubts:
        click.echo(f"doubt: {doubt}")
    click.echo(f"report: {page}")
    return EXIT_CODES[judged.result.verdict]
