"""What is known of a run beside its figures: events, gaps, the costs of statements, lines of logs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Event:
    """Something that happened at a moment of the run: a stage began, a fault was injected, a level ended."""

    at_s: float
    kind: str
    text: str
    tier: str = ""
    instance: str = ""
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Gap:
    """A stretch in which a tier could not be asked, and why. Never a zero."""

    tier: str
    instance: str
    from_s: float
    to_s: float
    reason: str


@dataclass(frozen=True)
class Digest:
    """One normalised SQL statement's cost over the run, by the server's own count."""

    tier: str
    instance: str
    text: str
    calls: int
    total_us: float
    lock_us: float = 0.0
    rows_sent: int = 0
    rows_examined: int = 0
    errors: int = 0
    no_index: int = 0


@dataclass(frozen=True)
class LogGroup:
    """Log lines of one process that say the same, in the run's window."""

    tier: str
    instance: str
    level: str
    text: str
    lines: int
    first_s: float
    sample: str
