"""The trend of a scenario over its stored runs: where it changed for good, and what changed with it.

Change points are found by E-divisive (Matteson and James 2014): the split that makes both sides differ most
by energy distance, kept where none of 99 random orders splits as well, then again on each side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.environment import differences
from results.catalogue import Entry

Floats = npt.NDArray[np.float64]

LEAST_SEGMENT = 3
PERMUTATIONS = 99
"""A split is kept when none of so many random orders splits as well: an error rate of 1%."""
MOST_ENDS = 40
"""The second side may end before the segment does (a change that was undone); so many ends are tried."""


@dataclass(frozen=True)
class HistoryPoint:
    """One stored run: its figures on the steady part by name (latencies in us, `errors` a share, `rate` per
    second) and what it was made with."""

    run_id: str
    scenario: str
    stages: str
    target: str
    started_at: datetime
    figures: Mapping[str, float]
    environment: Mapping[str, Any]


@dataclass(frozen=True)
class ChangePoint:
    """From the run at `index` on, the figure is another: medians before and after, and what changed then."""

    index: int
    run_id: str
    started_at: datetime
    before: float
    after: float
    changed: list[str]
    """Versions, knobs and host facts that are not as in the run before, in words."""

    @property
    def change(self) -> float:
        """After over before minus 1; nan where before is 0."""
        return self.after / self.before - 1 if self.before else float("nan")


@dataclass(frozen=True)
class History:
    """One figure over alike runs, oldest first, and its change points."""

    figure: str
    points: list[HistoryPoint]
    changes: list[ChangePoint]

    @property
    def levels(self) -> list[tuple[int, int, float]]:
        """From change point to change point: first run, the one after the last, and their median."""
        edges = [0, *(change.index for change in self.changes), len(self.points)]
        return [(a, b, float(np.median(self.values[a:b]))) for a, b in pairwise(edges) if b > a]

    @property
    def values(self) -> Floats:
        """The figure by run, shape (points,)."""
        return np.array([point.figures[self.figure] for point in self.points])


def point_of(entry: Entry) -> HistoryPoint:
    """What the history keeps of a stored run."""
    assert entry.started_at is not None
    return HistoryPoint(
        entry.id,
        entry.scenario,
        entry.stages,
        entry.target,
        entry.started_at,
        entry.figures,
        entry.environment,
    )


def usable(entry: Entry) -> bool:
    """Whether a stored run belongs into a history: a finished, valid run that has figures."""
    is_run = entry.kind == "run" and not entry.problem and entry.started_at is not None
    return is_run and entry.state == "finished" and entry.verdict != "not valid" and bool(entry.figures)


def histories(entries: Sequence[Entry], figure: str = "p99") -> list[History]:
    """A history for each target and stages, as only like runs can be compared; the newest first."""
    alike: dict[tuple[str, str], list[HistoryPoint]] = {}
    for entry in filter(usable, entries):
        if figure in entry.figures:
            alike.setdefault((entry.target, entry.stages), []).append(point_of(entry))
    found = [history(points, figure) for points in alike.values()]
    return sorted(found, key=lambda one: one.points[-1].started_at, reverse=True)


def history(points: Sequence[HistoryPoint], figure: str = "p99") -> History:
    """The history of one figure over the runs that have it. Give runs of one scenario and the same stages."""
    kept = sorted((one for one in points if figure in one.figures), key=lambda one: one.started_at)
    values = np.array([point.figures[figure] for point in kept])
    edges = [0, *change_points(_scaled(values)), len(kept)]
    changes = []
    for begin, split, end in zip(edges[:-2], edges[1:-1], edges[2:], strict=True):
        at, before = kept[split], kept[split - 1]
        changed = [one.text for one in differences([before.environment, at.environment])]
        medians = float(np.median(values[begin:split])), float(np.median(values[split:end]))
        changes.append(ChangePoint(split, at.run_id, at.started_at, *medians, changed))
    return History(figure, kept, changes)


def _scaled(values: Floats) -> Floats:
    """Latencies and rates as logarithms, for a change counts by its ratio; shares, which may be 0, as is."""
    return np.log(values) if values.size and values.min() > 0 else values


def change_points(values: npt.ArrayLike, seed: int = 1) -> list[int]:
    """Indices at which a new level begins, ascending; every segment has at least 3 values."""
    series = np.asarray(values, dtype=np.float64)
    random = np.random.default_rng(seed)
    found: list[int] = []
    open_segments = [(0, series.size)]
    while open_segments:
        begin, end = open_segments.pop()
        split = _split(series[begin:end], random)
        if split is not None:
            found.append(begin + split)
            open_segments += [(begin, begin + split), (begin + split, end)]
    return sorted(found)


def _split(series: Floats, random: np.random.Generator) -> int | None:
    """Where a segment is best split in two; None where a random order would often split as well."""
    if series.size < 2 * LEAST_SEGMENT or np.ptp(series) == 0:
        return None
    best, strength = _best(series)
    for _ in range(PERMUTATIONS):
        if _best(random.permutation(series))[1] >= strength:
            return None
    return best


def _best(series: Floats) -> tuple[int, float]:
    """The split with the largest energy distance between its sides, and that (Szekely and Rizzo 2005).

    With the n values before the split and the m from it to the end that is tried:
    n m / (n + m) (2 mean cross - mean before - mean after), means taken over pairs.
    """
    size = series.size
    single = series.astype(np.float32)  # half the memory to walk through; sums are taken in double
    distances = np.abs(single[:, None] - single[None, :])
    ends = np.unique(np.linspace(2 * LEAST_SEGMENT, size, MOST_ENDS).astype(np.int64))
    within = np.concatenate(
        ([0.0], np.cumsum(np.tril(distances).sum(axis=1, dtype=np.float64)))
    )  # pairs of the first t
    to_end = np.add.reduceat(distances, np.concatenate(([0], ends[:-1])), axis=1).cumsum(
        axis=1, dtype=np.float64
    )
    touched = np.concatenate(
        (np.zeros((1, ends.size)), np.cumsum(to_end, axis=0))
    )  # first t with first `end`
    n = np.arange(LEAST_SEGMENT, size - LEAST_SEGMENT + 1)[:, None]
    m = ends[None, :] - n
    cross = touched[n[:, 0]] - 2 * within[n]
    after = within[ends][None, :] - within[n] - cross
    pairs_before, pairs_after = n * (n - 1) / 2, np.maximum(m * (m - 1) / 2, 1)
    energy = (
        n
        * m
        / ends
        * (2 * cross / np.where(m > 0, n * m, 1) - within[n] / pairs_before - after / pairs_after)
    )
    energy = np.where(m >= LEAST_SEGMENT, energy, -np.inf)
    row, _ = np.unravel_index(int(np.argmax(energy)), energy.shape)
    return int(n[row, 0]), float(energy.max())
