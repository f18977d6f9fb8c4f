"""What a load process is told, in the variable HARNESS_LOAD. Imports neither locust nor gevent."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Self

from results import Stages


@dataclass(frozen=True)
class Config:
    """One run's load, the same for all of its generators."""

    stages: str
    arrivals: Any = "poisson"
    seed: int = 1
    max_users: int = 2000
    """Of all generators together; so is the backlog."""
    max_backlog: int = 20_000
    grace_s: float = 10.0
    hold: bool = False
    """The rate is steered while running; the stages are ignored but for telling open from closed."""
    processes: int = 1
    """Generators, wherever they are."""
    scenario: str = ""
    """Its path, from the project's folder on where it lies in it: a worker elsewhere looks for it there."""
    locust_stats: bool = False
    """Keep Locust's own statistics too; they cost more than the harness's recording."""
    replay: dict[str, Any] | None = None
    """What load.access_log.recording takes, where arrivals are those of an access log."""
    target: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The configuration in HARNESS_LOAD."""
        return cls(**json.loads(text))

    @property
    def plan(self) -> Stages:
        """The stages, parsed."""
        return Stages.parse(self.stages)
