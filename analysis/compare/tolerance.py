"""How much worse is allowed, by metric and endpoint, as a plan or the command line says it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from analysis.compare.figures import OVERALL, Metric, metric_of
from results import UsageError

_ONE = re.compile(
    r"(?:(?P<endpoint>\S.*?)\s+)?(?P<metric>[\w.]+)\s*(?:<=?|:|=|\s)\s*\+?(?P<share>\d+(?:\.\d+)?)\s*%"
)


@dataclass(frozen=True)
class Tolerances:
    """Allowed changes for the worse as shares, by `metric` or `endpoint metric`; the rest is as built in."""

    by_name: Mapping[str, float] = field(default_factory=dict)

    def metric(self, endpoint: str, name: str) -> Metric:
        """The metric with the tolerance that holds for an endpoint; its margin is at least twice that."""
        known = metric_of(name)
        kind = name.partition(".")[0]
        for key in (f"{endpoint} {name}", f"{endpoint} {kind}", name, kind):
            if key in self.by_name:
                tolerance = self.by_name[key]
                return replace(known, tolerance=tolerance, margin=max(known.margin, 2 * tolerance))
        return known

    @property
    def text(self) -> str:
        """As it may be written, empty where nothing was said."""
        return ", ".join(f"{name} {share * 100:.10g}%" for name, share in self.by_name.items())


def parse_tolerances(text: str) -> Tolerances:
    """The tolerances in a list such as `typical 3%, todo.list p99 10%, errors 0.5%`. Raises UsageError."""
    found: dict[str, float] = {}
    for piece in filter(None, (part.strip() for part in text.split(","))):
        said = _ONE.fullmatch(piece)
        if said is None or not _known(said["metric"]):
            raise UsageError(
                f"'{piece}' is not a tolerance: write it like 'typical 3%', 'p99 10%' or 'todo.list p99 10%'"
                " (typical, p50, p95, p99, errors, rate, db_calls, db_rows, cpu, hits)"
            )
        endpoint = "" if said["endpoint"] in (None, OVERALL) else f"{said['endpoint']} "
        found[endpoint + said["metric"]] = float(said["share"]) / 100
    return Tolerances(found)


def _known(name: str) -> bool:
    try:
        return name in ("cpu", "hits") or bool(metric_of(name))
    except KeyError:
        return False
