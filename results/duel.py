"""A duel as it is stored: a folder with a run.db for each turn, and duel.json, which names them.

`runs/<id>/duel.json` beside `runs/<id>/pair-1-baseline/run.db` and so on: the folder holds all that a verdict
is made of, and can be moved as a whole. The verdict itself is made again from the runs whenever it is asked
for (analysis.duel.stored); the one kept here is for lists.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from results.errors import HarnessError
from results.run import Run, open_run

FILE = "duel.json"
VERSION = 1


@dataclass
class StoredDuel:
    """What is written in a duel.json. `pairs` and `repeated` name folders beside it."""

    folder: Path
    scenario: str
    stages: str
    started_at: str
    baseline: str
    """The side in words: a target's name, or `api.pool_size=10`."""
    candidate: str
    plan: dict[str, Any]
    """How it is judged: pairs, max_pairs, alpha, tolerances as text, layout."""
    state: str = "running"
    """running (or killed while so), finished, interrupted by the user, or aborted for a reason."""
    pairs: list[tuple[str, str]] = field(default_factory=list)
    """The runs of baseline and candidate, in the order of the pairs."""
    repeated: list[tuple[str, str]] = field(default_factory=list)
    """Runs that were made again, and why: no figure rests on them."""
    forced: bool = False
    """Runs that cannot be compared are compared all the same, as was asked for."""
    stopped: str = ""
    """Why it ended before its time, where it did."""
    verdict: str = ""
    sentence: str = ""

    @property
    def id(self) -> str:
        """The duel's name, unique in its runs folder."""
        return self.folder.name

    def save(self) -> None:
        """Write duel.json; whoever reads meanwhile sees the old or the new one. Raises HarnessError."""
        told = {"version": VERSION, **asdict(self)}
        del told["folder"]
        file = self.folder / FILE
        unfinished = file.with_name(f"{FILE}.{os.getpid()}")
        try:
            unfinished.write_text(json.dumps(told, indent=1), "utf-8")
            unfinished.replace(file)
        except OSError as problem:
            raise HarnessError(f"cannot write {file}: {problem.strerror}") from problem

    def runs(self) -> tuple[list[Run], list[Run]]:
        """The runs of the baseline and of the candidate, pair by pair. Raises HarnessError if one is gone."""
        baseline, candidate = ([open_run(self.folder / pair[side]) for pair in self.pairs] for side in (0, 1))
        return baseline, candidate


def is_duel(path: str | Path) -> bool:
    """Whether there is a duel in a folder, or the path is a duel.json."""
    place = Path(path)
    return (place / FILE).is_file() or (place.name == FILE and place.is_file())


def open_duel(path: str | Path) -> StoredDuel:
    """The duel in a folder or a duel.json. Raises HarnessError if there is none that can be read."""
    place = Path(path)
    folder = place.parent if place.name == FILE else place
    try:
        told = json.loads((folder / FILE).read_text("utf-8"))
        version = told.pop("version")
        if version > VERSION:
            raise HarnessError(f"{folder / FILE} was written by a newer harness: update this harness")
        for name in ("pairs", "repeated"):
            told[name] = [(str(first), str(second)) for first, second in told[name]]
        return StoredDuel(folder=folder, **told)
    except FileNotFoundError as problem:
        raise HarnessError(f"no duel at {place}: 'harness runs' lists what there is") from problem
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as damage:
        raise HarnessError(f"{folder / FILE} cannot be read ({damage})") from damage


def find_duels(folder: Path) -> Iterable[Path]:
    """Every duel.json below a runs folder, newest first by name."""
    return sorted(folder.glob(f"*/{FILE}"), key=lambda file: file.parent.name, reverse=True)
