"""Asks every probe once a second, each in a thread of its own: one that hangs is a gap, and delays nobody."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from probes.database import DatabaseProbe
from probes.logs import LogProbe
from probes.probe import Probe, ProbeError
from results import Digest, Event, Gap, LogGroup, Sample

LATE_S = 2.5
"""An answer that takes longer leaves a gap."""


@dataclass
class Drained:
    """What was gathered since the last time."""

    samples: list[Sample] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)


@dataclass
class Finished:
    """What can only be said at the end."""

    digests: list[Digest] = field(default_factory=list)
    logs: list[LogGroup] = field(default_factory=list)


@dataclass
class _Watch:
    """One probe's state: since when it has failed, and why."""

    probe: Probe
    gap_from_s: float | None = None
    reason: str = ""
    cost_s: float = 0.0


class Sampler:
    """All probes of one run."""

    def __init__(self, probes: list[Probe], logs: list[LogProbe] | None = None) -> None:
        self._watches = [_Watch(probe) for probe in probes]
        self._logs = logs or []
        self._lock = threading.Lock()
        self._drained = Drained()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._t0 = 0.0

    def check(self) -> list[str]:
        """One line for everything that will be missing, asked before the run."""
        problems = []
        for watch in self._watches:
            try:
                watch.probe.sample()
            except ProbeError as problem:
                problems.append(f"{problem}; the report will have a gap there")
                continue
            if isinstance(watch.probe, DatabaseProbe) and watch.probe.missing():
                problems.append(watch.probe.missing())
        return list(dict.fromkeys(problems))

    def start(self, t0_monotonic: float) -> None:
        """Sample at every whole second of the run from now on."""
        self._t0 = t0_monotonic
        for watch in self._watches:
            thread = threading.Thread(target=self._watch, args=(watch,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def drain(self) -> Drained:
        """What was gathered since the last call."""
        with self._lock:
            drained, self._drained = self._drained, Drained()
        return drained

    def stop(self) -> None:
        """Stop asking; gaps that are open end now."""
        self._stop.set()
        deadline = time.monotonic() + LATE_S
        for thread in self._threads:
            thread.join(timeout=max(deadline - time.monotonic(), 0.01))
        for watch in self._watches:
            self._recovered(watch, time.monotonic() - self._t0)

    def finish(self) -> Finished:
        """Statement digests and log groups of the run; lets go of every connection."""
        finished = Finished()
        for watch in self._watches:
            if isinstance(watch.probe, DatabaseProbe):
                finished.digests += watch.probe.digests()
        for log in self._logs:
            finished.logs += log.groups()
        for watch in self._watches:
            watch.probe.close()
        return finished

    def _watch(self, watch: _Watch) -> None:
        second = 0
        while not self._stop.wait(max(self._t0 + second - time.monotonic(), 0)):
            self._ask(watch, float(second))
            # A slow probe skips the seconds that it missed rather than asking late for each.
            second = max(second + 1, int(time.monotonic() - self._t0) + 1)

    def _ask(self, watch: _Watch, at_s: float) -> None:
        began, cpu = time.monotonic(), time.thread_time()
        probe = watch.probe
        try:
            readings = probe.sample()
        except ProbeError as problem:
            self._failed(watch, at_s, str(problem))
            return
        except Exception as problem:  # a probe's fault is a gap in the report, never the end of the run
            self._failed(watch, at_s, f"{type(problem).__name__}: {problem}")
            return
        took_s = time.monotonic() - began
        if took_s > LATE_S:
            self._failed(watch, at_s, f"answered after {took_s:.1f} s")
            return
        self._recovered(watch, at_s)
        samples = [
            Sample(at_s, probe.tier, r.instance or probe.instance, r.metric, r.value, r.kind)
            for r in readings
        ]
        name = f"{type(probe).__name__}/{probe.tier}/{probe.instance}"
        watch.cost_s += time.thread_time() - cpu
        samples.append(Sample(at_s, "probe", name, "sample_ms", took_s * 1000))
        samples.append(Sample(at_s, "probe", name, "cpu_seconds", watch.cost_s, "counter"))
        with self._lock:
            self._drained.samples += samples

    def _failed(self, watch: _Watch, at_s: float, reason: str) -> None:
        if watch.gap_from_s is None:
            watch.gap_from_s, watch.reason = at_s, reason
            event = Event(at_s, "gap", reason, watch.probe.tier, watch.probe.instance)
            with self._lock:
                self._drained.events.append(event)

    def _recovered(self, watch: _Watch, at_s: float) -> None:
        if watch.gap_from_s is None:
            return
        gap = Gap(watch.probe.tier, watch.probe.instance, watch.gap_from_s, at_s, watch.reason)
        watch.gap_from_s = None
        with self._lock:
            self._drained.gaps.append(gap)
