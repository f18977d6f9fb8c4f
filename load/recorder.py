"""What a generator saw, kept as cheaply as it can be and handed on once a second."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import numpy as np
from gevent import getcurrent

from load.server_timing import server_timing_us
from results import BUCKETS, Endpoint, Histogram, Interval, Part
from results.histogram import buckets_of

active: Recorder | None = None
"""The recorder of this process; None where a scenario runs under plain `locust`."""

MAX_SAMPLE_CHARS: Final = 300
OWN_KIND: Final = "generator limit"
OWN_FAULTS: Final = ("Too many open files", "Cannot assign requested address", "No buffer space available")
"""The generator's own machine is at its end, not the system: EMFILE, EADDRNOTAVAIL, ENOBUFS."""

Request = tuple[str, str, float]
"""Name, kind and start of a request under way."""


class Arrival:
    """One iteration of a scenario's task. Times are on time.perf_counter, in seconds."""

    late_s = 0.0
    """How long it waited for a user to come free; its first request carries this in its response time."""
    failed = False
    task = ""
    request: Request | None = None
    """The one under way in the user's own greenlet."""
    beside: dict[Any, Request] | None = None
    """Those under way in greenlets that it spawned."""

    def __init__(self, due: float, number: int = 0) -> None:
        self.due = self.started = due
        self.number = number
        """Which one of its source it is; of a recording that is replayed, the place in it."""

    @property
    def under_way(self) -> list[Request]:
        """Every request that has begun and not ended."""
        own = [] if self.request is None else [self.request]
        return own + list((self.beside or {}).values())


def arrival_of(greenlet: Any) -> Arrival | None:
    """The arrival that a greenlet works for: its own, or that of the one that spawned it; None for setup."""
    while greenlet is not None:
        try:
            arrival: Arrival | None = greenlet.arrival
        except AttributeError:
            parent = getattr(greenlet, "spawning_greenlet", None)
            greenlet = parent() if parent is not None else None
        else:
            return arrival
    return None


class _Lane:
    """Requests of one endpoint: the latest as they came, and the sums by second of those folded already."""

    __slots__ = ("add", "endpoint", "errors", "parts", "rows", "sums", "timings")

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.rows: list[float] = []
        """Four numbers a request: intended start, start, end, bytes."""
        self.add: Callable[[tuple[float, float, float, int]], None] = self.rows.extend
        self.timings: list[tuple[float, str]] = []
        self.parts: list[tuple[float, dict[str, float]]] = []
        self.errors: list[tuple[float, str, str]] = []
        self.sums: dict[int, Interval] = {}


class Recorder:
    """Takes every request of this process. Until `t0`, when load begins, is known, all count as second 0."""

    def __init__(self, generator: str) -> None:
        self.generator = generator
        self.t0 = float("inf")
        self.requests = 0
        self.own_faults = 0
        self._lanes: dict[tuple[str, str, bool], _Lane] = {}

    def begin(self, name: str, kind: str, started: float) -> None:
        """A request is on its way: should the run end first, it is counted as unfinished under its name."""
        greenlet = getcurrent()
        try:
            arrival = greenlet.arrival
        except AttributeError:
            arrival = arrival_of(greenlet)
            if arrival is not None:
                arrival.beside = arrival.beside or {}
                arrival.beside[greenlet] = (name, kind, started)
        else:
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
        greenlet = getcurrent()
        try:
            arrival = greenlet.arrival
        except AttributeError:
            arrival = arrival_of(greenlet)
            if arrival is not None and arrival.beside:
                arrival.beside.pop(greenlet, None)
        else:
            if arrival is not None:
                arrival.request = None
        intended = started
        if arrival is None:
            lane = self._lanes.get((name, kind, True)) or self._new_lane(name, kind, True)
        else:
            lane = self._lanes.get((name, kind, False)) or self._new_lane(name, kind, False)
            if arrival.late_s:
                intended -= arrival.late_s
                arrival.late_s = 0.0
        lane.add((intended, started, ended, bytes_received))
        if server_timing:
            lane.timings.append((intended, server_timing))
        if parts:
            lane.parts.append((intended, parts))
        if error_kind:
            lane.errors.append((intended, error_kind, error_text))
            if arrival is not None:
                arrival.failed = True
        self.requests += 1

    def _new_lane(self, name: str, kind: str, setup: bool) -> _Lane:
        lane = self._lanes[name, kind, setup] = _Lane(Endpoint(name, kind, setup))
        return lane

    def fold(self) -> None:
        """Add up what came since the last call: little and often, so that no user waits for it."""
        for lane in list(self._lanes.values()):
            if lane.rows:
                self._fold(lane)

    def flush(self) -> list[Interval]:
        """What was taken since the last call, by second of the intended start and endpoint."""
        self.fold()
        pieces: list[Interval] = []
        for lane in self._lanes.values():
            pieces += lane.sums.values()
            lane.sums = {}
        return pieces

    def unfinished(self, arrivals: Iterable[Arrival], now: float) -> list[Interval]:
        """Requests cut off by the end: failed, with their age as a lower bound of the response time."""
        pieces = []
        for arrival in arrivals:
            # A task between two requests, or in a client that does not say when it begins, stands for itself.
            requests = arrival.under_way or [(arrival.task, "task", arrival.started)]
            for name, kind, started in requests:
                intended, arrival.late_s = started - arrival.late_s, 0.0
                pieces.append(self._cut_off(Endpoint(name, kind), intended, now, "unfinished"))
        return pieces

    def never_started(self, arrivals: Iterable[Arrival], now: float) -> list[Interval]:
        """Arrivals that no user came free for: they have no request, but have been waiting for this long."""
        endpoint = Endpoint("(never started)", "arrival")
        return [self._cut_off(endpoint, arrival.due, now, "never started") for arrival in arrivals]

    def _cut_off(self, endpoint: Endpoint, intended: float, now: float, kind: str) -> Interval:
        age_s = now - intended
        return Interval(
            self._second(intended),
            self.generator,
            endpoint,
            Histogram(),
            Histogram.from_values_us([age_s * 1e6]),
            failed=1,
            errors={kind: (1, f"no answer within {age_s:.1f} s, when the run ended")},
        )

    def _second(self, at: float) -> int:
        return max(int(at - self.t0), 0) if self.t0 != float("inf") else 0

    def _fold(self, lane: _Lane) -> None:
        rows = np.array(lane.rows).reshape(-1, 4)
        lane.rows.clear()
        intended, started, ended, received = rows.T
        seconds = np.maximum(np.floor(intended - self.t0), 0).astype(np.int64)
        services = buckets_of((ended - started) * 1e6)
        responses = buckets_of((ended - intended) * 1e6)
        for second in sorted(set(seconds.tolist())):
            inside = seconds == second
            piece = self._piece(lane, second)
            piece.service.counts += np.bincount(services[inside], minlength=BUCKETS)
            piece.response.counts += np.bincount(responses[inside], minlength=BUCKETS)
            piece.bytes_received += int(received[inside].sum())
        self._fold_errors(lane)
        for at, header in lane.timings:
            _add_parts(self._piece(lane, self._second(at)), server_timing_us(header))
        for at, parts in lane.parts:
            in_us = {name: seconds * 1e6 for name, seconds in parts.items()}
            _add_parts(self._piece(lane, self._second(at)), in_us)
        lane.timings.clear()
        lane.parts.clear()

    def _fold_errors(self, lane: _Lane) -> None:
        for at, kind, text in lane.errors:
            piece = self._piece(lane, self._second(at))
            count, sample = piece.errors.get(kind, (0, text[:MAX_SAMPLE_CHARS]))
            piece.errors[kind] = (count + 1, sample)
            piece.failed += 1
            self.own_faults += kind == OWN_KIND or any(fault in text for fault in OWN_FAULTS)
        lane.errors.clear()

    def _piece(self, lane: _Lane, second: int) -> Interval:
        piece = lane.sums.get(second)
        if piece is None:
            piece = Interval(second, self.generator, lane.endpoint, Histogram(), Histogram())
            lane.sums[second] = piece
        return piece


def _add_parts(piece: Interval, parts_us: dict[str, float]) -> None:
    for name, took_us in parts_us.items():
        known = piece.parts.get(name)
        part = Part(1, took_us, took_us)
        piece.parts[name] = part if known is None else known + part
