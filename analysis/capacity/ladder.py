"""The pair that SPECjbb reports, from the levels of a search: the highest rate at all, and within a ladder.

SPECjbb2015 calls them max-jOPS and critical-jOPS; the latter is the geometric mean of the highest rates
within p99 limits of 10 to 100 ms. The ladder here reaches to 250 ms, as a web page's answer may take longer
than its transactions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from analysis.capacity.answer import answer
from analysis.capacity.claim import Capacity
from analysis.capacity.findings import Findings
from analysis.capacity.level import Done, Level, LevelResult
from analysis.capacity.settings import Settings
from analysis.capacity.windows import window
from results import Flow, Interval, Run, Slo

LIMITS_MS = (10, 25, 50, 100, 250)


@dataclass(frozen=True)
class Rung:
    """One objective of the ladder and the highest rate within it.

    found: between levels within and beyond. beyond: every level kept it, `rate_per_s` is the highest that
    came through. never: no level kept it, and there is no rate.
    """

    slo: Slo
    state: Literal["found", "beyond", "never"]
    rate_per_s: float | None
    low_per_s: float | None = None
    high_per_s: float | None = None


@dataclass(frozen=True)
class Ladder:
    """All rungs, the strictest first."""

    rungs: tuple[Rung, ...]

    @property
    def kept(self) -> tuple[Rung, ...]:
        """Those that some level kept."""
        return tuple(rung for rung in self.rungs if rung.rate_per_s)

    @property
    def critical_per_s(self) -> float | None:
        """The geometric mean over the rungs that could be kept; None where none was."""
        rates = [rung.rate_per_s for rung in self.rungs if rung.rate_per_s]
        return float(np.exp(np.mean(np.log(rates)))) if rates else None

    @property
    def words(self) -> str:
        """What the mean is over."""
        limits = [f"{rung.slo.limit / 1e3:g}" for rung in self.kept]
        left = len(self.rungs) - len(limits)
        out = f"; the {left} stricter one{'s were' if left > 1 else ' was'} never kept" if left else ""
        return f"geometric mean over p99 < {'/'.join(limits)} ms{out}"

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        rungs = [asdict(rung) | {"slo": rung.slo.text} for rung in self.rungs]
        return {"critical_per_s": self.critical_per_s, "over": self.words, "rungs": rungs}


def ladder(run: Run, capacity: Capacity) -> Ladder | None:
    """The ladder of a search, from what run.db has of its levels; None without levels that are evidence."""
    slos = tuple(Slo("latency", 0.99, limit * 1e3) for limit in LIMITS_MS)
    findings = Findings(Settings(slos))
    for result in _results(run, capacity, slos):
        findings.observe(result)
    if not findings.evidence:
        return None
    found = answer(findings, Done("budget"))
    top = capacity.max_per_s
    rungs = []
    for index, limit in enumerate(found.limits):
        kept = any(seen.counts[index].n and seen.counts[index].measure <= 1 for seen in findings.evidence)
        if not kept:
            rungs.append(Rung(limit.slo, "never", None))
        elif limit.rate_per_s is None:
            rungs.append(Rung(limit.slo, "beyond", top))
        else:
            rungs.append(Rung(limit.slo, "found", limit.rate_per_s, limit.low_per_s, limit.high_per_s))
    return Ladder(tuple(rungs))


def _results(run: Run, capacity: Capacity, slos: Sequence[Slo]) -> list[LevelResult]:
    """The levels of a stored search, their windows counted for other objectives."""
    intervals: dict[int, list[Interval]] = defaultdict(list)
    flows: dict[int, list[Flow]] = defaultdict(list)
    for piece in run.intervals():
        intervals[piece.second].append(piece)
    for flow in run.flows:
        flows[flow.second].append(flow)
    found = []
    for event, point in zip(run.levels, capacity.levels, strict=False):
        seconds = range(int(event.data["from_s"]), int(event.data["to_s"]))
        level = Level(point.rate_per_s, point.purpose, 0, 0, point.number)
        windows = tuple(window(second, intervals, flows, slos) for second in seconds)
        found.append(LevelResult(level, windows, float(len(windows)), point.problems))
    return found
