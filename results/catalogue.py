"""The runs folder as a list: what is known of each run without reading more than its head, and its tags."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from results.errors import HarnessError, UsageError
from results.run import Run, find_runs, open_run

TAGS = "tags.txt"
"""Beside run.db, which is written once and then stays as it is: a tag a line."""
_TAG = re.compile(r"[\w.:/+-]{1,64}")


@dataclass(frozen=True)
class Entry:
    """A stored run as lists show it. `problem` says why it cannot be read; all else is then empty."""

    folder: Path
    kind: str = ""
    scenario: str = ""
    target: str = ""
    stages: str = ""
    started_at: datetime | None = None
    duration_s: float = 0.0
    state: str = ""
    verdict: str = ""
    """pass, fail, inconclusive, valid (no objectives) or not valid; empty where it was not yet judged."""
    figures: Mapping[str, float] = field(default_factory=dict)
    """Of the steady part: p50, p95, p99 in us, errors a share, rate per second."""
    environment: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    problem: str = ""

    @property
    def id(self) -> str:
        """The run's name in its folder."""
        return self.folder.name


def read_catalogue(runs: Path) -> list[Entry]:
    """Every run of a folder, the newest first."""
    return [read_entry(file) for file in find_runs(runs)]


def read_entry(file: Path) -> Entry:
    """The entry of a run.db. Never raises for a damaged one: its `problem` says what is wrong."""
    folder = file.parent
    try:
        run = open_run(file)
        try:
            return _entry(run, folder)
        finally:
            run.close()
    except HarnessError as problem:
        return Entry(folder, problem=str(problem), tags=tags_of(folder))
    except (KeyError, ValueError, TypeError) as damage:
        return Entry(folder, problem=f"{file} lacks what a run has ({damage})", tags=tags_of(folder))


def _entry(run: Run, folder: Path) -> Entry:
    info = run.info
    return Entry(
        folder,
        run.kind,
        run.scenario,
        run.target,
        str(info.get("stages") or ""),
        run.started_at,
        run.duration_s,
        run.state,
        str(info.get("verdict", "")),
        {str(name): float(value) for name, value in info.get("figures", {}).items()},
        info.get("environment", {}),
        tags_of(folder),
    )


def tags_of(folder: Path) -> tuple[str, ...]:
    """A run's tags, in order; none where it has none."""
    try:
        lines = (folder / TAGS).read_text("utf-8").split()
    except (OSError, ValueError):
        return ()
    return tuple(sorted(set(lines)))


def set_tags(folder: Path, tags: Iterable[str]) -> None:
    """Give a run these tags and no others. Raises UsageError on what is no tag, HarnessError if it cannot."""
    wanted = sorted(set(tags))
    for tag in wanted:
        if not _TAG.fullmatch(tag):
            raise UsageError(f"'{tag}' is no tag: letters, digits and . : / + - _, up to 64 of them")
    file = folder / TAGS
    unfinished = file.with_name(f"{TAGS}.{os.getpid()}")
    try:
        if not wanted:
            file.unlink(missing_ok=True)
            return
        unfinished.write_text("\n".join(wanted) + "\n", "utf-8")
        unfinished.replace(file)
    except OSError as problem:
        raise HarnessError(f"cannot write {file}: {problem.strerror}") from problem


def head_of(file: Path, key: str) -> Any:
    """One fact of a JSON file beside a run; None where there is none."""
    try:
        told = json.loads(file.read_text("utf-8"))
        return told.get(key) if isinstance(told, dict) else None
    except (OSError, ValueError):
        return None
