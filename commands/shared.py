"""What several commands have in common: options, the target that is aimed at, the run that is meant."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from results.errors import HarnessError

if TYPE_CHECKING:
    from drive.target import Target

Command = TypeVar("Command", bound=Callable[..., Any])

NAME = click.option("--name", default="default", show_default=True, help="Which of several stacks.")
RUNS_FOLDER = click.option(
    "--runs",
    "runs_folder",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    envvar="HARNESS_RUNS",
    help="The folder of stored runs (or HARNESS_RUNS); runs/ unless said.",
)
TARGET = click.option(
    "--target",
    "target_name",
    help="A stack's name, one of targets/, or a TOML file; the stack named default unless said.",
)
WARMUP_UNLESS_SAID = "a fifth of the first stage, at most 10s, unless said"


def worker_options(command: Command) -> Command:
    """Add what says that load is made on other machines."""
    for option in reversed(
        [
            click.option("--workers", type=click.IntRange(1, 1000), help="Load is made by so many workers."),
            click.option(
                "--bind",
                default="127.0.0.1:5557",
                show_default=True,
                metavar="HOST:PORT",
                help="Where workers are waited for. Whoever reaches it is told the target's passwords.",
            ),
            click.option("--wait", default="5m", show_default=True, help="How long to wait for workers."),
        ]
    ):
        command = option(command)
    return command


def run_options(command: Command) -> Command:
    """Add what every command that makes load takes."""
    for option in reversed(
        [
            TARGET,
            click.option("--yes-load", help="Repeat the name of a production target to allow load on it."),
            click.option("--slo", help='Objectives, e.g. "p99<250ms, errors<0.1%".'),
            click.option("--seed", type=int, help="Seed of the arrivals."),
            click.option("--processes", type=click.IntRange(1, 64), help="Generator processes."),
            click.option("--max-users", type=click.IntRange(1), help="Most users in the open model's pool."),
        ]
    ):
        command = option(command)
    return command


def find_allowed_target(name: str | None, yes_load: str | None) -> Target:
    """The target with a name. Raises UsageError where it is unknown or load on it is not allowed."""
    from drive.target import find_target
    from stack.control import running_stacks

    target = find_target(name, running_stacks())
    target.check_allowed(yes_load)
    return target


def find_run(name: str, runs_folder: Path) -> Path:
    """The folder of a run or duel by its path, its id, the beginning of it, a tag (the newest that has it),
    or `last`. Raises HarnessError.

    A run of a duel is named by the duel's id and its own: `20261124-101500-web-trpc-duel/pair-1-baseline`.
    """
    from results import find_duels, find_runs
    from results.catalogue import tags_of

    for place in (Path(name), runs_folder / name):
        if name and place.exists():
            return place
    found = {file.parent for find in (find_runs, find_duels) for file in find(runs_folder)}
    known = sorted(found, key=lambda folder: folder.name, reverse=True)
    matching = [folder for folder in known if name and folder.name.startswith(name)]
    if name == "last":
        matching = known[:1]
    elif not matching:
        matching = [folder for folder in known if name in tags_of(folder)][:1]
    if len(matching) == 1:
        return matching[0]
    which = f"{len(matching)} runs begin with" if matching else "there is no run"
    raise HarnessError(f"{which} '{name}' in {runs_folder}: 'harness runs' lists what there is")


def write_file(path: Path, text: str) -> None:
    """Write a text where the user asked for it. Raises HarnessError in one line."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    except OSError as problem:
        raise HarnessError(f"cannot write {path}: {problem.strerror}") from problem
