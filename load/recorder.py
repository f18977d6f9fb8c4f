"""What a generator saw, kept as cheaply as it can be and handed on once a second."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
from gevent import getcurrent

from results import Endpoint, Histogram, Interval, Part
from results.histogram import buckets_of

active: Recorder | None = None
"""The recorder of this process; None where a scenario runs under plain `locust`."""

MAX_SAMPLE_CHARS = 300


class Arrival:
    """One iteration of a scenario's task, from when it was due. Times are on time.perf_counter."""

    __slots__ = ("due", "failed", "is_late", "request")

    def __init__(self, due: float) -> None:
        self.due = due
        self.failed = False
        self.is_late = True
        """No user was free when it fell due: its first request carries that lateness."""
        self.request: tuple[str, str, float] | None = None
        """Name, kind and start of the request under way."""


class _Lane:
    """Requests of one endpoint since the last flush."""

    __slots__ = ("bytes", "errors", "intended", "parts", "responses", "services", "timings")

    def __init__(self) -> None:
        self.intended: list[float] = []
        self.services: list[float] = []
        self.responses: list[float] = []
        self.bytes: list[int] = []
        self.timings: list[tuple[float, str]] = []
        self.parts: list[tuple[float, dict[str, float]]] = []
        self.errors: list[tuple[float, str, str]] = []


class Recorder:
    """Takes every request of this process. `t0` is when load began; before it is known, all counts as second 0."""

    def __init__(self, generator: str) -> None:
        self.generator = generator
        self.t0 = float("inf")
        self.requests = 0
        self._lanes: dict[tuple[str, str, bool], _Lane] = defaultdict(_Lane)

    def begin(self, name: str, kind: str, started: float) -> None:
        """A request is on its way: should the run end first, it is counted as unfinished under its name."""
        arrival = getattr(getcurrent(), "arrival", None)
        if arrival is not None:
            arrival.request = (name, kind, started)

    def record(
        self,
        name: str,
        kind: str,
        started: float,
        ended: float,
        bytes_received: int = 0,
        error_kind: str = "",
        error_text: str = "",
        server_timing: str = "",
        parts: dict[str, float] | None = None,
    ) -> None:
        """Take one finished request: times on time.perf_counter, `parts` in seconds."""
        arrival = getattr(getcurrent(), "arrival", None)
        intended = started
        if arrival is not None:
            arrival.request = None
            if arrival.is_late:
                arrival.is_late = False
                intended = arrival.due
            if error_kind:
                arrival.failed = True
        lane = self._lanes[name, kind, arrival is None]
        lane.intended.append(intended)
        lane.services.append(ended - started)
        lane.responses.append(ended - intended)
        lane.bytes.append(bytes_received)
        if server_timing:
            lane.timings.append((intended, server_timing))
        if parts:
            lane.parts.append((intended, parts))
        if error_kind:
            lane.errors.append((intended, error_kind, error_text))
        self.requests += 1

    def flush(self) -> list[Interval]:
        """What was taken since the last call, by second of the intended start and endpoint."""
        lanes, self._lanes = self._lanes, defaultdict(_Lane)
        pieces: list[Interval] = []
        for (name, kind, setup), lane in lanes.items():
            pieces += self._intervals(Endpoint(name, kind, setup), lane)
        return pieces

    def unfinished(self, arrivals: list[Arrival], now: float) -> list[Interval]:
        """Requests that the end of the run cut off: failed, with their age as a lower bound of the response time."""
        pieces = []
        for arrival in arrivals:
            if arrival.request is None:
                continue
            name, kind, started = arrival.request
            intended = arrival.due if arrival.is_late else started
            age_s = now - intended
            piece = Interval(
                self._second(intended),
                self.generator,
                Endpoint(name, kind),
                Histogram(),
                Histogram.from_values_us([age_s * 1e6]),
                failed=1,
                errors={"unfinished": (1, f"no answer within {age_s:.1f} s, when the run ended")},
            )
            pieces.append(piece)
        return pieces

    def _second(self, at: float) -> int:
        return max(int(at - self.t0), 0) if self.t0 != float("inf") else 0

    def _intervals(self, endpoint: Endpoint, lane: _Lane) -> list[Interval]:
        base = self.t0 if self.t0 != float("inf") else lane.intended[0]
        seconds = np.maximum(np.floor(np.array(lane.intended) - base), 0).astype(np.int64)
        services = buckets_of(np.array(lane.services) * 1e6)
        responses = buckets_of(np.array(lane.responses) * 1e6)
        received = np.array(lane.bytes)
        made: dict[int, Interval] = {}
        for second in np.unique(seconds):
            inside = seconds == second
            made[int(second)] = Interval(
                int(second),
                self.generator,
                endpoint,
                Histogram.from_buckets(services[inside]),
                Histogram.from_buckets(responses[inside]),
                bytes_received=int(received[inside].sum()),
            )
        for intended, kind, text in lane.errors:
            piece = made[self._second(intended)]
            count, sample = piece.errors.get(kind, (0, text[:MAX_SAMPLE_CHARS]))
            piece.errors[kind] = (count + 1, sample)
            piece.failed += 1
        for intended, header in lane.timings:
            _add_parts(made[self._second(intended)], parse_server_timing(header))
        for intended, parts in lane.parts:
            _add_parts(made[self._second(intended)], parts)
        return list(made.values())


def _add_parts(piece: Interval, parts: dict[str, float]) -> None:
    for name, seconds in parts.items():
        known = piece.parts.get(name)
        part = Part(1, seconds * 1e6, seconds * 1e6)
        piece.parts[name] = part if known is None else known + part


def parse_server_timing(header: str) -> dict[str, float]:
    """Seconds by part in a Server-Timing header (W3C): `db;dur=3.4, cache;dur=0.3`, durations in ms."""
    parts: dict[str, float] = {}
    for piece in header.split(","):
        name, _, rest = piece.strip().partition(";")
        for parameter in rest.split(";"):
            key, _, value = parameter.strip().partition("=")
            if key == "dur":
                try:
                    parts[name] = float(value.strip('"')) / 1000
                except ValueError:
                    break
    return parts


def fire_or_record(environment: Any, name: str, kind: str, started: float, ended: float, **said: Any) -> None:
    """Hand a request to this process's recorder, or to Locust's own statistics where there is none.

    `said` is what `Recorder.record` takes beyond the times.
    """
    if active is not None:
        active.record(name, kind, started, ended, **said)
        return
    problem = (
        RuntimeError(f"{said['error_kind']}: {said.get('error_text', '')}")
        if said.get("error_kind")
        else None
    )
    environment.events.request.fire(
        request_type=kind,
        name=name,
        response_time=(ended - started) * 1000,
        response_length=said.get("bytes_received", 0),
        exception=problem,
        context={},
    )
