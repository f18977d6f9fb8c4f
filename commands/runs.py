"""`harness runs`: what is stored, found again, tagged, handed on and deleted."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from commands.shared import RUNS_FOLDER, find_run, write_file
from results.errors import HarnessError, UsageError

if TYPE_CHECKING:
    from analysis.summary import Summary
    from results import Run
    from results.catalogue import Entry

RUN = click.argument("name", metavar="RUN")


@click.group(
    invoke_without_command=True, short_help="List, filter, tag, export, delete or restore stored runs."
)
@click.option("--scenario", help="Only runs of a scenario (a part of its path).")
@click.option("--target", help="Only runs on a target.")
@click.option("--since", help="Only runs since a day (2026-11-20) or within a time (7d).")
@click.option("--tag", help="Only runs with a tag.")
@click.option("--verdict", help="Only runs with a verdict: pass, fail, 'cannot tell', valid, 'not valid'.")
@click.option("--limit", type=click.IntRange(1), help="Only so many, the newest.")
@RUNS_FOLDER
@click.pass_context
def runs(
    context: click.Context,
    scenario: str | None,
    target: str | None,
    since: str | None,
    tag: str | None,
    verdict: str | None,
    limit: int | None,
    runs_folder: Path,
) -> None:
    """List stored runs and duels, the newest first; or tag, export or delete some, or write their index."""
    if context.invoked_subcommand:
        return
    from results.catalogue import read_catalogue
    from results.listing import listing

    began = parse_since(since) if since else None
    everything = read_catalogue(runs_folder)
    found = [
        one
        for one in everything
        if (not scenario or scenario in one.scenario)
        and (not target or target == one.target)
        and (began is None or (one.started_at is not None and one.started_at >= began))
        and (not tag or tag in one.tags)
    ]
    if verdict:
        found = [one for one in map(with_figures, found) if one.judged == verdict]
    if not everything:
        click.echo(f"no runs in {runs_folder}: 'harness run web/browse' makes one")
    elif not found:
        click.echo(f"none of the {len(everything)} runs in {runs_folder} is like that")
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for line in listing([with_figures(one) for one in found[:limit]], width):
        click.echo(line)


def with_figures(entry: Entry) -> Entry:
    """The entry with its verdict and figures: read from the whole run where it does not hold them."""
    if entry.problem or entry.kind == "duel" or entry.verdict or entry.state == "running":
        return entry
    from dataclasses import replace

    from results import open_run

    run = open_run(entry.folder)
    try:
        told = _summary(run)
    except (HarnessError, ValueError) as damage:
        return replace(entry, problem=str(damage))
    finally:
        run.close()
    if told is None:
        return entry
    return replace(entry, verdict=told.verdict, figures=told.figures, said=told.said)


def _summary(run: Run) -> Summary | None:
    """What lists show of a run; None of a capacity search that was killed before it had an answer."""
    from analysis.summary import summary_of

    if run.kind != "capacity":
        return summary_of(run)
    from reports.stored import stored_review

    told = stored_review(run)
    return told.summary if told else None


def parse_since(text: str) -> datetime:
    """The moment in `2026-11-20`, `2026-11-20 14:00` or `7d` ago. Raises UsageError."""
    from results.units import parse_duration_s

    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        pass
    try:
        return datetime.now().astimezone() - timedelta(seconds=parse_duration_s(text))
    except (UsageError, OverflowError):
        raise UsageError(f"'{text}' is no time: write it like 2026-11-20 or 7d") from None


@runs.command()
@RUN
@click.argument("tags", nargs=-1, required=True, metavar="TAG...")
@RUNS_FOLDER
def tag(name: str, tags: tuple[str, ...], runs_folder: Path) -> None:
    """Give a RUN tags; a tag names the newest run that has it wherever a RUN is asked for."""
    _change_tags(find_stored(name, runs_folder), set(tags), set())


@runs.command()
@RUN
@click.argument("tags", nargs=-1, required=True, metavar="TAG...")
@RUNS_FOLDER
def untag(name: str, tags: tuple[str, ...], runs_folder: Path) -> None:
    """Take tags from a RUN."""
    _change_tags(find_stored(name, runs_folder), set(), set(tags))


def _change_tags(folder: Path, more: set[str], fewer: set[str]) -> None:
    from results.catalogue import set_tags, tags_of

    kept = (set(tags_of(folder)) | more) - fewer
    set_tags(folder, kept)
    click.echo(f"{folder.name}: {', '.join(sorted(kept)) or 'no tags'}")


@runs.command()
@RUN
@click.option("--format", "form", type=click.Choice(["csv", "json", "hdr"]), default="csv", show_default=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="A file, not the terminal.")
@RUNS_FOLDER
def export(name: str, form: str, out: Path | None, runs_folder: Path) -> None:
    """Write a RUN as a table by second and endpoint, as its page's figures, or as an HdrHistogram log."""
    from reports.as_json import run_json
    from reports.run_data import read_report
    from results import open_run
    from results.export import csv_lines, hdr_log

    run = open_run(find_run(name, runs_folder))
    if form == "json":
        text = run_json(read_report(run)) + "\n"
    else:
        text = "".join(csv_lines(run) if form == "csv" else hdr_log(run))
    if out is None:
        click.echo(text, nl=False)
        return
    write_file(out, text)
    click.echo(f"{run.id} written to {out}")


@runs.command()
@click.argument("names", nargs=-1, required=True, metavar="RUN...")
@click.option("--yes", is_flag=True, help="Do not ask.")
@RUNS_FOLDER
def delete(names: tuple[str, ...], yes: bool, runs_folder: Path) -> None:
    """Delete runs with their pages and logs: they can be restored for 30 days, then they are gone.

    Asks first; a tagged run has to be untagged before.
    """
    from results.catalogue import is_being_written, tags_of
    from results.trash import KEPT_DAYS, clear, throw_away

    folders = list(dict.fromkeys(find_stored(name, runs_folder) for name in names))
    for folder in folders:
        if tags_of(folder):
            said = ", ".join(tags_of(folder))
            raise HarnessError(
                f"{folder.name} is tagged {said}: nothing was deleted; 'harness runs untag' it first"
            )
        if is_being_written(folder):
            raise HarnessError(f"{folder.name} is being made right now: nothing was deleted; stop it first")
    _ask(folders, "Delete {}?", yes)
    for folder in folders:
        throw_away(folder)
    clear(runs_folder)
    ids = " ".join(folder.name for folder in folders)
    click.echo(f"deleted: {ids}")
    click.echo(f"for {KEPT_DAYS} days 'harness runs restore {ids}' takes it back")


@runs.command()
@click.argument("names", nargs=-1, required=True, metavar="RUN...")
@RUNS_FOLDER
def restore(names: tuple[str, ...], runs_folder: Path) -> None:
    """Bring deleted runs back, by their ids or the beginnings of them."""
    from results.trash import restore

    for name in names:
        click.echo(f"restored: {restore(name, runs_folder).name}")


@runs.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@RUNS_FOLDER
def empty(yes: bool, runs_folder: Path) -> None:
    """Delete for good what was deleted before. Asks first."""
    from results.trash import remove, trashed

    folders = trashed(runs_folder)
    if not folders:
        click.echo(f"there are no deleted runs in {runs_folder}")
        return
    _ask(folders, "Delete {} for good?", yes)
    click.echo(f"gone: {' '.join(folder.name for folder in remove(folders))}")


def _ask(folders: Sequence[Path], question: str, yes: bool) -> None:
    """Say what goes, and ask. Raises HarnessError unless the answer is yes."""
    from reports.words import show_bytes

    for folder in folders:
        size = sum(file.lstat().st_size for file in folder.rglob("*"))
        click.echo(f"{folder}  {show_bytes(size)}", err=True)
    if not yes:
        try:
            click.confirm(question.format("it" if len(folders) == 1 else "them"), abort=True, err=True)
        except click.exceptions.Abort:
            raise HarnessError("nothing was deleted: answer y, or say --yes") from None


def find_stored(name: str, runs_folder: Path) -> Path:
    """A run or duel that lies in the runs folder itself and not elsewhere. Raises HarnessError."""
    folder = find_run(name, runs_folder)
    folder = folder.parent if folder.is_file() else folder
    is_run = (folder / "run.db").is_file() or (folder / "duel.json").is_file()
    if folder.is_symlink() or not is_run or folder.resolve().parent != runs_folder.resolve():
        raise HarnessError(f"{folder} is not a run of {runs_folder}: 'harness runs' lists what there is")
    return runs_folder / folder.resolve().name


@runs.command()
@RUNS_FOLDER
def index(runs_folder: Path) -> None:
    """Write a page that links the report of every run, with its verdict."""
    from reports.index import write_index
    from results.catalogue import read_catalogue

    if not runs_folder.is_dir():
        raise HarnessError(f"no runs in {runs_folder}: 'harness run web/browse' makes one")
    page = write_index([with_figures(one) for one in read_catalogue(runs_folder)], runs_folder)
    click.echo(f"index: {page}")
