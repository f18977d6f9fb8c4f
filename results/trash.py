"""Deleted runs, which lie in a folder of the runs folder for a while before they are gone for good."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from results.errors import HarnessError

FOLDER = ".trash"
KEPT_DAYS = 30


def trashed(runs: Path) -> list[Path]:
    """The folders of deleted runs, the newest run first."""
    return sorted((runs / FOLDER).glob("*/"), key=lambda folder: folder.name, reverse=True)


def throw_away(folder: Path) -> None:
    """Move a run's folder to the trash of its runs folder. Raises HarnessError."""
    kept = folder.parent / FOLDER / folder.name
    if kept.exists():
        raise HarnessError(f"cannot delete {folder}: {kept} is there already; 'harness runs empty' clears it")
    with _said_plainly(f"cannot delete {folder}"):
        kept.parent.mkdir(exist_ok=True)
        folder.rename(kept)
        os.utime(kept)  # from now on its days in the trash count


def restore(name: str, runs: Path) -> Path:
    """Bring back the deleted run with an id, or the beginning of one. Raises HarnessError."""
    found = [folder for folder in trashed(runs) if name and folder.name.startswith(name)]
    found = [folder for folder in found if folder.name == name] or found
    if len(found) != 1:
        which = f"{len(found)} deleted runs begin with" if found else "there is no deleted run"
        known = ", ".join(folder.name for folder in trashed(runs)) or "none"
        raise HarnessError(f"{which} '{name}' in {runs / FOLDER}: {known}")
    back = runs / found[0].name
    if back.exists():
        raise HarnessError(f"cannot restore {back.name}: {back} is there already")
    with _said_plainly(f"cannot restore {back.name}"):
        return found[0].rename(back)


def clear(runs: Path, older_than_days: float = KEPT_DAYS) -> list[Path]:
    """Delete for good what was thrown away so many days ago; says what. Raises HarnessError."""
    limit = time.time() - older_than_days * 86_400
    return remove(folder for folder in trashed(runs) if folder.stat().st_mtime <= limit)


def remove(folders: Iterable[Path]) -> list[Path]:
    """Delete folders for good. Raises HarnessError."""
    gone = []
    for folder in folders:
        with _said_plainly(f"cannot delete {folder}"):
            shutil.rmtree(folder)
        gone.append(folder)
    return gone


@contextmanager
def _said_plainly(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise HarnessError(f"{what}: {problem.strerror}") from problem
