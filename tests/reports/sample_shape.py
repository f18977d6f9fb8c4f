"""What a sample run is to look like."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from results import Endpoint

ENDPOINTS: list[tuple[Endpoint, float, float, int]] = [
    # endpoint, share of the requests, median service time in ms, bytes of an answer
    (Endpoint("todo.list", "trpc"), 0.30, 9.0, 5_400),
    (Endpoint("todo.create", "trpc"), 0.10, 12.0, 310),
    (Endpoint("todo.search", "trpc"), 0.05, 31.0, 3_900),
    (Endpoint("calendar.month", "trpc"), 0.08, 14.0, 8_800),
    (Endpoint("notification.count", "trpc"), 0.12, 3.2, 120),
    (Endpoint("page /dashboard", "page"), 0.15, 24.0, 21_000),
    (Endpoint("page /teams/{slug}", "page"), 0.08, 19.0, 17_500),
    (Endpoint("asset", "asset"), 0.12, 0.9, 9_600),
]


@dataclass
class Shape:
    """What the sample is to look like."""

    stages: str = "ramp to 240/s over 60s, 200/s for 60s"
    slos: str = "p99 < 250ms, errors < 0.1%, todo.list p95 < 100ms"
    warmup_s: float = 10
    capacity_per_s: float = 260.0
    endpoints: int = len(ENDPOINTS)
    tiers: tuple[str, ...] = ("lb", "web", "api", "primary", "replica", "redis", "jobs", "host", "generator")
    replica_gap: bool = True
    web1_down: bool = True
    seed: int = 7
    limit_per_s: float | None = None
    """Makes it the run of a capacity search: its held levels pass up to this rate."""
    info: dict[str, Any] = field(default_factory=dict)

    def down(self, seconds: int) -> range:
        """When web1 is down: a stretch of 6 s in the last third."""
        begin = seconds * 3 // 4
        return range(begin, min(begin + 6, seconds)) if self.web1_down else range(0)

    def gap_s(self, seconds: int) -> tuple[float, float] | None:
        """From when to when the replica did not answer, if it did not."""
        gap = self.replica_gap and seconds >= 20 and "replica" in self.tiers
        return (seconds * 0.4, seconds * 0.4 + 8) if gap else None

    def busy(self, arrivals: np.ndarray) -> np.ndarray:
        """Utilisation of the sample's limit by second, at most 0.97."""
        return np.minimum(arrivals / self.capacity_per_s, 0.97)
