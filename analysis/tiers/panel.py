"""The data of a tier's panel, and how samples become it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from analysis.samples import Samples, broken, thinned
from results import Gap, Series

Floats = npt.NDArray[np.float64]
Unit = Literal["count", "per_s", "ratio", "cores", "bytes", "ms"]

FULL = 0.95
"""From this share of a limit on, a thing counts as full."""


@dataclass(frozen=True)
class Track:
    """One line over time, thinned for a page; arrays of shape (n,), seconds since load began."""

    name: str
    at_s: Floats
    values: Floats


@dataclass(frozen=True)
class TierChart:
    """Lines of one unit; `limit` is what cannot be exceeded, named by `limit_name`."""

    title: str
    unit: Unit
    tracks: list[Track]
    limit: float | None = None
    limit_name: str = ""
    stacked: bool = False


@dataclass(frozen=True)
class TierFigure:
    """One figure of the steady part. `of` is its limit, in the same unit, where it has one."""

    name: str
    value: float
    unit: Unit
    small: str = ""
    of: float | None = None
    alarming: bool = False

    @property
    def is_full(self) -> bool:
        """Whether the limit is reached, or nearly."""
        return self.of is not None and self.of > 0 and self.value >= FULL * self.of


@dataclass(frozen=True)
class TierTable:
    """Figures by row, such as by instance; None where one was not told.

    `columns` are name and unit; of those in `bad` anything but 0 is alarming.
    """

    title: str
    columns: list[tuple[str, Unit]]
    rows: list[tuple[str, list[float | None]]]
    bad: tuple[str, ...] = ()
    first: str = "Instance"
    """The title of the column of names."""
    folded: bool = False
    """Whether it is for those who look closer."""


@dataclass(frozen=True)
class TierPanel:
    """A tier as it was seen; `gaps` are the stretches in which it could not be."""

    tier: str
    title: str
    instances: list[str]
    figures: list[TierFigure]
    charts: list[TierChart]
    gaps: list[Gap] = field(default_factory=list)
    lead: str = ""
    """How to read it, in one line."""
    tables: list[TierTable] = field(default_factory=list)
    nothing: list[str] = field(default_factory=list)
    """What was counted and did not happen: one line says so, in place of as many zeros."""


class Panel:
    """Collects a panel's parts, leaving out whatever was not watched."""

    def __init__(self, samples: Samples, tier: str, width_s: float) -> None:
        self.samples, self.tier, self.width_s = samples, tier, width_s
        self.figures: list[TierFigure] = []
        self.charts: list[TierChart] = []
        self.tables: list[TierTable] = []
        self.nothing: list[str] = []
        self.lead = ""

    def track(self, series: Series | None, name: str, *, highest: bool = False) -> list[Track]:
        """A line of a page's width; none for what was not watched."""
        if series is None or not np.isfinite(series.values).any():
            return []
        at_s, values = thinned(series.at_s, series.values, self.width_s, highest=highest)
        return [Track(name, *broken(at_s, values, self.width_s))]

    def tracks(self, metric: str, *, highest: bool = False, prefix: str = "") -> list[Track]:
        """A metric of every instance of the tier, each under its instance's name."""
        found: list[Track] = []
        for series in self.samples.all(self.tier, metric):
            if series.instance.startswith(prefix):
                found += self.track(series, series.instance.removeprefix(prefix), highest=highest)
        return found

    def chart(
        self,
        title: str,
        unit: Unit,
        tracks: Iterable[Track],
        *,
        limit: float | None = None,
        limit_name: str = "",
        stacked: bool = False,
    ) -> None:
        """Add a chart if there is anything on it: nobody has to look at a line of zeros."""
        lines = list(tracks)
        if lines and (unit == "ratio" or any(np.nan_to_num(line.values).any() for line in lines)):
            self.charts.append(TierChart(title, unit, lines, limit, limit_name, stacked))

    def figure(
        self,
        name: str,
        value: float | None,
        unit: Unit,
        small: str = "",
        *,
        of: float | None = None,
        alarming: bool = False,
    ) -> None:
        """Add a figure if it is known."""
        if value is not None and np.isfinite(value):
            self.figures.append(TierFigure(name, float(value), unit, small, of, alarming))

    def count(self, name: str, metric: str, small: str = "", *, bad: bool = False) -> None:
        """Add how much a counter grew; `bad` makes anything but 0 alarming."""
        self.counted(name, self.samples.increase(self.tier, metric), small, bad=bad)

    def counted(
        self, name: str, value: float | None, small: str = "", *, bad: bool = False, nothing: str = ""
    ) -> None:
        """Add a count; one that stayed at 0 is named among what did not happen, as `nothing` if given."""
        if value == 0:
            self.nothing.append(nothing or name[0].lower() + name[1:])
        else:
            self.figure(name, value, "count", small, alarming=bad and bool(value))

    def table(
        self,
        title: str,
        columns: list[tuple[str, Unit]],
        rows: Iterable[tuple[str, list[float | None]]],
        *,
        bad: tuple[str, ...] = (),
        first: str = "Instance",
        folded: bool = False,
    ) -> None:
        """Add a table of the rows and columns in which anything is known."""
        told = [row for row in rows if any(value is not None for value in row[1])]
        kept = [n for n in range(len(columns)) if any(values[n] is not None for _, values in told)]
        if told and kept:
            shown = [(name, [values[n] for n in kept]) for name, values in told]
            self.tables.append(TierTable(title, [columns[n] for n in kept], shown, bad, first, folded))

    def highest(self, name: str, metric: str, limit_metric: str, unit: Unit = "count") -> None:
        """Add the highest value of a gauge with its limit."""
        limit = self.samples.highest(self.tier, limit_metric)
        self.figure(
            name, self.samples.highest(self.tier, metric), unit, of=limit if limit and limit > 0 else None
        )

    def done(self, title: str, gaps: list[Gap]) -> TierPanel | None:
        """The panel; None when neither a value nor a gap is known of the tier."""
        mine = [gap for gap in gaps if gap.tier == self.tier]
        if not self.figures and not self.charts and not mine:
            return None
        return TierPanel(
            self.tier,
            title,
            self.samples.instances(self.tier),
            self.figures,
            self.charts,
            mine,
            self.lead,
            self.tables,
            self.nothing,
        )
