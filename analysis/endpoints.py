"""What each endpoint did in a stretch of a run: latencies, rate, errors, bytes and where its time went."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from analysis.breakdown import taken_apart
from results import Endpoint, Histogram, Interval, Part


@dataclass
class EndpointTotal:
    """One endpoint's requests added up over a stretch of `span_s` seconds."""

    endpoint: Endpoint
    span_s: float
    service: Histogram = field(default_factory=Histogram)
    response: Histogram = field(default_factory=Histogram)
    failed: int = 0
    received_bytes: int = 0
    parts: dict[str, Part] = field(default_factory=dict)

    @property
    def requests(self) -> int:
        """How many requests were counted."""
        return self.response.count

    @property
    def rate_per_s(self) -> float:
        """Requests per second over the stretch; nan if it has no length."""
        return self.requests / self.span_s if self.span_s > 0 else float("nan")

    @property
    def error_ratio(self) -> float:
        """Failed of all requests; nan without requests."""
        return self.failed / self.requests if self.requests else float("nan")

    @property
    def mean_bytes(self) -> float:
        """Mean bytes of an answer; nan without requests."""
        return self.received_bytes / self.requests if self.requests else float("nan")

    def mean_parts_ms(self) -> dict[str, float]:
        """Mean milliseconds a request by reported part (see analysis.breakdown), adding up to the mean."""
        if not self.requests:
            return {}
        told = {name: np.array(part.sum_us / self.requests / 1e3) for name, part in self.parts.items()}
        mean_ms = self.service.mean_us / 1e3 if self.service.count else 0.0
        return {name: float(ms) for name, ms in taken_apart(told, np.array(mean_ms)).items()}

    def add(self, interval: Interval) -> None:
        """Add one interval."""
        self.service += interval.service
        self.response += interval.response
        self.failed += interval.failed
        self.received_bytes += interval.bytes_received
        for name, part in interval.parts.items():
            self.parts[name] = self.parts.get(name, Part(0, 0.0, 0.0)) + part


@dataclass
class ErrorTotal:
    """Failures of one kind at one endpoint: how many, when first and last, and the first one's text."""

    endpoint: Endpoint
    kind: str
    count: int
    first_s: int
    last_s: int
    sample: str


class EndpointTable:
    """Totals by endpoint over stretches (from second, to second) of a run, fed with intervals by time.

    Setup requests count wherever they fall, as they belong to no part of the plan.
    """

    def __init__(self, spans: Sequence[tuple[float, float]]) -> None:
        self.spans = list(spans)
        self.totals: dict[Endpoint, EndpointTotal] = {}
        self.errors: dict[tuple[Endpoint, str], ErrorTotal] = {}

    @property
    def span_s(self) -> float:
        """The stretches' length in seconds."""
        return sum(max(to_s - from_s, 0.0) for from_s, to_s in self.spans)

    def add(self, interval: Interval) -> None:
        """Count an interval if it begins in one of the stretches."""
        inside = any(from_s <= interval.second < to_s for from_s, to_s in self.spans)
        if not interval.endpoint.setup and not inside:
            return
        named = interval.endpoint
        if named not in self.totals:
            self.totals[named] = EndpointTotal(named, self.span_s)
        self.totals[named].add(interval)
        for kind, (count, sample) in interval.errors.items():
            seen = self.errors.setdefault(
                (named, kind), ErrorTotal(named, kind, 0, interval.second, interval.second, sample)
            )
            seen.count += count
            seen.last_s = max(seen.last_s, interval.second)

    @property
    def rows(self) -> list[EndpointTotal]:
        """Endpoints of the load, the slowest p99 first."""
        mine = [total for total in self.totals.values() if not total.endpoint.setup]
        return sorted(mine, key=lambda total: -_p99_us(total))

    @property
    def setup_rows(self) -> list[EndpointTotal]:
        """Endpoints called outside arrivals, by name."""
        mine = [total for total in self.totals.values() if total.endpoint.setup]
        return sorted(mine, key=lambda total: total.endpoint.name)

    @property
    def error_rows(self) -> list[ErrorTotal]:
        """Failures, the most frequent first."""
        return sorted(self.errors.values(), key=lambda error: -error.count)

    def overall(self) -> EndpointTotal:
        """All endpoints of the load together."""
        return added(self.rows, self.span_s)


def added(totals: Iterable[EndpointTotal], span_s: float) -> EndpointTotal:
    """Several endpoints as one, named `all`."""
    whole = EndpointTotal(Endpoint("all", ""), span_s)
    for total in totals:
        whole.service += total.service
        whole.response += total.response
        whole.failed += total.failed
        whole.received_bytes += total.received_bytes
        for name, part in total.parts.items():
            whole.parts[name] = whole.parts.get(name, Part(0, 0.0, 0.0)) + part
    return whole


def _p99_us(total: EndpointTotal) -> float:
    return total.response.quantile_us(0.99) if total.requests else 0.0
