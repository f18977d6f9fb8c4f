"""Everything that a run's rules say of it, gathered in the one pass that reads the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analysis.alerts.load_series import LoadSeries
from analysis.alerts.missed import Miss, SloMoments, misses
from analysis.alerts.series import stored_series
from results import Interval, Run, Slo, UsageError

if TYPE_CHECKING:
    from analysis.alerts.firing import AlertSeen
    from analysis.alerts.rules import RuleFile


@dataclass(frozen=True)
class AlertsReport:
    """The rules of a run and what they saw; `problem` says why they cannot be read, empty where they can."""

    source: str
    seen: list[AlertSeen]
    misses: list[Miss]
    problem: str = ""

    @property
    def fired(self) -> list[AlertSeen]:
        """The alerts that fired at least once."""
        return [one for one in self.seen if one.fired]


class AlertsReader:
    """Fed with every interval of a run; None comes out where the run kept no rules."""

    def __init__(self, run: Run) -> None:
        self._run = run
        kept = run.info.get("alerts")
        self._source = str(kept["source"]) if kept else ""
        self._file: RuleFile | None = None
        self._problem = ""
        if kept:
            from analysis.alerts.rules import parse_rules

            try:
                self._file = parse_rules(str(kept["text"]), self._source)
            except UsageError as problem:
                self._problem = str(problem)
        self._load = LoadSeries()
        self._moments = SloMoments(run.slos, run.duration_s, run.warmup_s)

    def add(self, interval: Interval) -> None:
        """Count an interval."""
        if self._file is not None:
            self._load.add(interval)
            self._moments.add(interval)

    def report(self, missed: Sequence[Slo]) -> AlertsReport | None:
        """What the rules saw; `missed` are the objectives that were missed over the run."""
        if self._file is None:
            return AlertsReport(self._source, [], [], self._problem) if self._problem else None
        from analysis.alerts.firing import alerts_seen

        run = self._run
        series = stored_series(run.series(), run.gaps, run.duration_s) + self._load.series(run.duration_s)
        seen = alerts_seen(self._file.rules, series, run.duration_s)
        return AlertsReport(self._source, seen, misses(missed, self._moments, seen))
