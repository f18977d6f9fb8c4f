"""Service level objectives, as written on the command line: `p99 < 250ms, errors < 0.1%`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from results.errors import UsageError
from results.units import parse_duration_s, show_latency, show_ratio

_SLO = re.compile(
    r"(?:(?P<endpoint>\S.*?)\s+)?(?P<metric>p\d{1,2}(?:\.\d+)?|max|mean|errors)\s*(?:<=?)\s*(?P<limit>[\d.]+\s*\S+)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Slo:
    """One objective on the steady part of a run, over all endpoints or one.

    `metric` is "latency" (a quantile of the response time; 1.0 is the maximum), "mean" or "errors".
    `limit` is in microseconds for latencies and a ratio (0 to 1) for errors.
    """

    metric: str
    quantile: float
    limit: float
    endpoint: str | None = None

    @property
    def figure(self) -> str:
        """What is measured: `p99`, `p99.9`, `max`, `mean`, `errors`."""
        if self.metric != "latency":
            return self.metric
        return "max" if self.quantile == 1.0 else f"p{self.quantile * 100:.10g}"

    @property
    def text(self) -> str:
        """The objective as people read it, e.g. `todo.list p99 < 250 ms`."""
        limit = show_ratio(self.limit) if self.metric == "errors" else show_latency(self.limit)
        return f"{self.endpoint + ' ' if self.endpoint else ''}{self.figure} < {limit}"


def parse_slos(text: str) -> list[Slo]:
    """The objectives in a comma-separated list. Raises UsageError."""
    return [_parse_one(piece.strip()) for piece in text.split(",") if piece.strip()]


def _parse_one(text: str) -> Slo:
    found = _SLO.fullmatch(text)
    if found is None:
        raise UsageError(
            f"'{text}' is not an SLO: write it like 'p99 < 250ms', 'errors < 0.1%' or 'todo.list p95 < 100ms'"
        )
    metric, endpoint = found["metric"].lower(), found["endpoint"]
    if metric == "errors":
        return Slo("errors", 0.0, _parse_ratio(found["limit"], text), endpoint)
    limit_us = parse_duration_s(found["limit"]) * 1e6
    if limit_us <= 0:
        raise UsageError(f"'{text}': the limit has to be above zero")
    if metric == "mean":
        return Slo("mean", 0.0, limit_us, endpoint)
    quantile = 1.0 if metric == "max" else float(metric[1:]) / 100
    return Slo("latency", quantile, limit_us, endpoint)


def _parse_ratio(limit: str, text: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", limit.strip())
    if found is None or not 0 <= float(found[1]) <= 100:
        raise UsageError(f"'{text}': an error limit is a share such as 0.1%")
    return float(found[1]) / 100
