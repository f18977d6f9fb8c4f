"""The runs folder as a list: what is known of each run without reading more than its head, and its tags."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from results.duel import StoredDuel, find_duels, is_duel, open_duel
from results.errors import HarnessError, UsageError
from results.run import Run, find_runs, open_run

TAGS = "tags.txt"
"""Beside run.db, which is written once and then stays as it is: a tag a line."""
_FRESH_S = 10.0
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
    """pass, fail, inconclusive, valid (no objectives, or a claimed capacity) or not valid; empty where it was
    not yet judged."""
    figures: Mapping[str, float] = field(default_factory=dict)
    """Of the steady part: p50, p95, p99 in us, errors a share, rate per second. Of a capacity search only
    `rate`: arrivals per second within its objectives, where that is claimed."""
    environment: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    said: str = ""
    """Of a capacity search or a duel: its answer."""
    problem: str = ""

    @property
    def id(self) -> str:
        """The run's name in its folder."""
        return self.folder.name

    @property
    def judged(self) -> str:
        """The verdict in words: pass, fail, cannot tell, valid, not valid; or how the run is."""
        words = {"inconclusive": "cannot tell"}
        return words.get(self.verdict, self.verdict) or ("" if self.state == "finished" else self.state)

    @property
    def load(self) -> str:
        """The planned load; where there is none, the kind of the run."""
        return self.stages or self.kind

    @property
    def page(self) -> Path | None:
        """Its report, where one was written."""
        page = self.folder / "report.html"
        return page if page.is_file() else None


def read_catalogue(runs: Path) -> list[Entry]:
    """Every run and duel of a folder, the newest first."""
    files = [*find_runs(runs), *find_duels(runs)]
    return [read_entry(file) for file in sorted(files, key=lambda file: file.parent.name, reverse=True)]


def read_entry(file: Path) -> Entry:
    """The entry of a run.db or duel.json. A damaged one has a `problem`, which says what is wrong with it."""
    folder = file.parent
    try:
        if is_duel(file):
            return _duel(open_duel(file))
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
        _figures(info),
        info.get("environment", {}),
        tags_of(folder),
        str(info.get("answer", "")),
    )


def _figures(info: Mapping[str, Any]) -> dict[str, float]:
    return {str(name): float(value) for name, value in info.get("figures", {}).items()}


def _duel(duel: StoredDuel) -> Entry:
    sides = f"{duel.baseline} against {duel.candidate}"
    began = datetime.fromisoformat(duel.started_at)
    return Entry(
        duel.folder, "duel", duel.scenario, sides, duel.stages, began, state=duel.state,
        verdict=duel.verdict, tags=tags_of(duel.folder), said=duel.sentence,
    )  # fmt: skip


def is_being_written(folder: Path) -> bool:
    """Whether a run (or one of a duel's) was written to within the last seconds and has not ended."""
    begun = [file for file in (*folder.glob("run.db*"), *folder.glob("*/run.db*")) if file.is_file()]
    entries = [read_entry(file) for file in begun if file.name == "run.db"]
    fresh = any(time.time() - file.stat().st_mtime < _FRESH_S for file in begun)
    return fresh and any(one.state == "running" for one in entries)


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
