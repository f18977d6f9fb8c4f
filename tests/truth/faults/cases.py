"""Every fault of the stack with a load that shows it, and the bottleneck that has to be named first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
SEARCHES, HOT_COUNTER = str(HERE / "searches.py"), str(HERE / "hot_counter.py")
OBJECTIVES = "p99 < 250ms, errors < 0.1%"


@dataclass(frozen=True)
class Case:
    """One fault (none: the healthy stack) under a scenario, calm at first and then at `rate_per_s`.

    `named` is the code of the bottleneck that is right; "" where none may be named. Where a fault is one of
    capacity, `settings` make a statement's way so long that the rate is too much on a fast machine too.
    """

    fault: str
    named: str
    scenario: str = "web/trpc"
    calm_per_s: float = 30
    rate_per_s: float = 120
    settings: Mapping[str, str] = field(default_factory=dict)

    def stages(self, load: float = 1.0) -> str:
        """Its load, with the higher level `load` times as high."""
        return f"{self.calm_per_s:g}/s for 7s, {self.rate_per_s * load:g}/s for 12s"


CASES: tuple[Case, ...] = (
    Case("", ""),
    Case("small-pool", "api-pool", SEARCHES, 20, 120, {"db.round_trip_ms": "6"}),
    Case("missing-index", "missing-index", rate_per_s=150),
    Case("cold-cache", "cold-cache"),
    Case("redis-small", "redis-evictions"),
    Case("replica-stopped", "replica-stopped"),
    Case("replica-lagging", "replica-lagging"),
    Case("web1-slow", "web-slow", "web/browse", 5, 12),
    Case("web1-down", "web-down", "web/browse", 5, 12),
    Case("lb-maxconn", "lb-maxconn"),
    Case("hot-row", "hot-row", HOT_COUNTER, 10, 60),
    Case("few-api-workers", "api-workers", SEARCHES, 20, 140, {"db.round_trip_ms": "6"}),
    Case("jobs-blocked", "jobs-blocked"),
    Case("slow-redis", "slow-redis"),
    # Three API instances with pools of 10 are what outgrows the 10 connections of a database.
    Case(
        "max-connections-low",
        "max-connections",
        SEARCHES,
        20,
        120,
        {"api.instances": "3", "db.round_trip_ms": "10"},
    ),
)
