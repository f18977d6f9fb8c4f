"""What one generator saw in one second: latencies by endpoint, and what became of the arrivals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from results.histogram import Histogram


class Endpoint(NamedTuple):
    """What a request was for, as the scenario named it.

    `kind` is what it was made with ("page", "asset", "trpc", "http", "sql", "redis" ...); `setup` marks
    requests outside an arrival, such as a user's sign-in before its first task, which no figure includes.
    """

    name: str
    kind: str = "http"
    setup: bool = False


class Part(NamedTuple):
    """One component of the service time as the system reported it (Server-Timing, a pool's wait ...)."""

    n: int
    """Requests that reported it."""
    sum_us: float
    max_us: float

    def __add__(self, other: object) -> Part:
        if not isinstance(other, Part):
            return NotImplemented
        return Part(self.n + other.n, self.sum_us + other.sum_us, max(self.max_us, other.max_us))


@dataclass
class Interval:
    """One endpoint's requests whose intended start fell into one second of the run.

    `service` counts from the actual start, `response` from the intended start; every finished request,
    failed or not, is in both. A request still unfinished at the end is in `response` alone, with its age
    as a lower bound, and counts as failed with the kind "unfinished".
    """

    second: int
    generator: str
    endpoint: Endpoint
    service: Histogram
    response: Histogram
    failed: int = 0
    bytes_received: int = 0
    errors: dict[str, tuple[int, str]] = field(default_factory=dict)
    """By kind: how many, and the first one's text."""
    parts: dict[str, Part] = field(default_factory=dict)
    span_s: int = 1
    """How many seconds it covers: 1 as recorded, more where older detail was folded."""

    @property
    def count(self) -> int:
        """Requests counted here, the unfinished ones included."""
        return self.response.count

    def to_frame(self) -> dict[str, Any]:
        """A message for the wire; `response` travels only where it differs from `service`."""
        return {
            "t": "interval",
            "second": self.second,
            "generator": self.generator,
            "endpoint": list(self.endpoint),
            "service": self.service.to_bytes(),
            "response": None if self.response == self.service else self.response.to_bytes(),
            "failed": self.failed,
            "bytes": self.bytes_received,
            "errors": {kind: list(seen) for kind, seen in self.errors.items()},
            "parts": {name: list(part) for name, part in self.parts.items()},
        }

    @classmethod
    def from_frame(cls, frame: dict[str, Any]) -> Self:
        """The interval that `to_frame` made."""
        service = Histogram.from_bytes(frame["service"])
        response = frame["response"]
        return cls(
            second=frame["second"],
            generator=frame["generator"],
            endpoint=Endpoint(*frame["endpoint"]),
            service=service,
            response=service.copy() if response is None else Histogram.from_bytes(response),
            failed=frame["failed"],
            bytes_received=frame["bytes"],
            errors={kind: (count, sample) for kind, (count, sample) in frame["errors"].items()},
            parts={name: Part(*part) for name, part in frame["parts"].items()},
        )


@dataclass
class Flow:
    """What became of one generator's arrivals in one second, by the time at which things happened.

    An arrival is one iteration of a scenario's task. `in_flight`, `backlog` (arrivals due with no user
    free) and `users` are gauges at the second's end; the rest are counts within it. `wake_lag` is how
    late the generator itself woke its users up: its own health, never part of a response time.
    """

    second: int
    generator: str
    scheduled: int = 0
    started: int = 0
    finished: int = 0
    failed: int = 0
    requests: int = 0
    """Requests that ended within the second, setup included."""
    in_flight: int = 0
    backlog: int = 0
    users: int = 0
    wake_lag: Histogram = field(default_factory=Histogram)

    def to_frame(self) -> dict[str, Any]:
        """A message for the wire."""
        frame = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {"t": "flow", **frame, "wake_lag": self.wake_lag.to_bytes()}

    @classmethod
    def from_frame(cls, frame: dict[str, Any]) -> Self:
        """The flow that `to_frame` made."""
        fields = {name: frame[name] for name in cls.__dataclass_fields__ if name != "wake_lag"}
        return cls(**fields, wake_lag=Histogram.from_bytes(frame["wake_lag"]))


@dataclass(frozen=True)
class Account:
    """What became of every arrival of a run. `scheduled` is the sum of the others, always."""

    scheduled: int = 0
    finished: int = 0
    failed: int = 0
    unfinished: int = 0
    never_started: int = 0

    @property
    def missing(self) -> int:
        """Arrivals that nothing accounts for; anything but 0 makes a run not valid."""
        return self.scheduled - self.finished - self.failed - self.unfinished - self.never_started

    def __add__(self, other: Account) -> Account:
        return Account(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


def added_errors(rows: Iterable[tuple[Any, ...]]) -> dict[str, tuple[int, str]]:
    """Failures by kind, added up over the pieces that a second came in, with the first one's text."""
    found: dict[str, tuple[int, str]] = {}
    for kind, count, sample in rows:
        known, first = found.get(kind, (0, sample))
        found[kind] = (known + count, first)
    return found


def added_parts(rows: Iterable[tuple[Any, ...]]) -> dict[str, Part]:
    """Parts by name, added up over the pieces that a second came in."""
    found: dict[str, Part] = {}
    for name, *figures in rows:
        part = Part(*figures)
        found[name] = found[name] + part if name in found else part
    return found
