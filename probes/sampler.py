"""Asks every probe once a second, each in a thread of its own: one that hangs is a gap, and delays nobody."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from probes.database import DatabaseProbe
from probes.logs import LogProbe
from probes.probe import Probe, ProbeError, Reading, Unknown
from probes.secrets import hide
from results import Digest, Event, Gap, LogGroup, Sample

LATE_S = 1.0
"""An answer that takes longer would belong to another second: it leaves a gap."""
JOIN_S = 2.5
"""How long the end of a run waits for probes that are still asking."""
SAME_RESTART_S = 5.0
_HUNG = f"no answer within {LATE_S:g} s"
_WHOLE = ""
"""In place of a metric's name: all of a probe's figures."""


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
    """One probe's state: what it is asked now, what it could not tell since when and why, what it cost."""

    probe: Probe
    asking_at_s: float | None = None
    open_gaps: dict[str, Gap] = field(default_factory=dict)
    """By metric, or by _WHOLE."""
    counters: dict[tuple[str, str], float] = field(default_factory=dict)
    cpu_s: float = 0.0
    slowest_ms: float = 0.0
    """Since the last time that the probes' own figures were told."""


class Sampler:
    """All probes of one run."""

    def __init__(
        self, probes: list[Probe], logs: list[LogProbe] | None = None, secrets: list[str] | None = None
    ) -> None:
        """`secrets` are hidden in whatever is said of a probe that fails."""
        self._watches = [_Watch(probe) for probe in probes]
        self._logs = logs or []
        self._secrets = secrets or []
        self._lock = threading.Lock()
        self._drained = Drained()
        self._restarted_at_s: dict[tuple[str, str], float] = {}
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._t0 = 0.0

    def check(self) -> list[str]:
        """One line for everything that will be missing, asked before the run."""
        problems = []
        for watch in self._watches:
            try:
                told = watch.probe.sample()
            except ProbeError as problem:
                problems.append(f"{problem}; the report will have a gap there")
                continue
            except Exception as problem:  # as in a run: one probe's fault ends nothing
                problems.append(f"{watch.probe.instance}: {type(problem).__name__}: {problem}; a gap there")
                continue
            problems += [f"{item.reason}; a gap there" for item in told if isinstance(item, Unknown)]
            if isinstance(watch.probe, DatabaseProbe) and watch.probe.missing():
                problems.append(watch.probe.missing())
        return list(dict.fromkeys(hide(problem, self._secrets) for problem in problems))

    def start(self, t0_monotonic: float) -> None:
        """Sample at every whole second of the run from now on."""
        self._t0 = t0_monotonic
        for watch in self._watches:
            thread = threading.Thread(target=self._watch, args=(watch,), daemon=True)
            thread.start()
            self._threads.append(thread)
        reader = threading.Thread(target=self._read_logs, daemon=True)
        reader.start()
        self._threads.append(reader)

    def drain(self) -> Drained:
        """What was gathered since the last call; a probe that hangs has its gap begin here."""
        self._note_hanging()
        with self._lock:
            if self._threads:  # before the start there is no moment of the run to tell them for
                self._drained.samples += self._own_figures(time.monotonic() - self._t0)
            drained, self._drained = self._drained, Drained()
        return drained

    def stop(self) -> None:
        """Stop asking; gaps that are open end now. `drain` once more for what is left."""
        self._stop.set()
        deadline = time.monotonic() + JOIN_S
        for thread in self._threads:
            thread.join(timeout=max(deadline - time.monotonic(), 0.01))
        self._note_hanging()
        ended_s = time.monotonic() - self._t0
        with self._lock:
            for watch in self._watches:
                self._end_gaps(watch, ended_s)

    def finish(self) -> Finished:
        """Statement digests and log groups of the run; lets go of every connection."""
        finished = Finished()
        for watch in self._watches:
            # A probe that still hangs holds its connection: nothing more can be asked over it.
            if isinstance(watch.probe, DatabaseProbe) and watch.asking_at_s is None:
                finished.digests += watch.probe.digests()
        for log in self._logs:
            log.look(max(time.monotonic() - self._t0, 0) if self._threads else 0)
            finished.logs += log.groups()
        for watch in self._watches:
            if watch.asking_at_s is None:
                watch.probe.close()
        return finished

    def _read_logs(self) -> None:
        """Every second what was logged in the second before."""
        second = 0
        while not self._stop.wait(max(self._t0 + second - time.monotonic(), 0)):
            for log in self._logs:
                log.look(float(max(second - 1, 0)))
            second = max(second + 1, int(time.monotonic() - self._t0) + 1)

    def _own_figures(self, at_s: float) -> list[Sample]:
        """What the probes themselves cost, by the tier that they ask; the lock is held.

        `calls` is their load on that tier, `sample_ms` the longest that one took to be answered.
        """
        calls: Counter[str] = Counter()
        slowest_ms: dict[str, float] = {}
        cpu_s: Counter[str] = Counter()
        for watch in self._watches:
            tier = watch.probe.tier
            calls.update(watch.probe.calls)
            slowest_ms[tier] = max(slowest_ms.get(tier, 0), watch.slowest_ms)
            cpu_s[tier] += watch.cpu_s  # type: ignore[assignment]  # a Counter adds floats as well
            watch.slowest_ms = 0
        samples = [Sample(at_s, "probes", tier, "calls", n, "counter") for tier, n in calls.items()]
        for tier, took_ms in slowest_ms.items():
            if took_ms:
                samples.append(Sample(at_s, "probes", tier, "sample_ms", took_ms))
            samples.append(Sample(at_s, "probes", tier, "cpu_seconds", cpu_s[tier], "counter"))
        return samples

    def _watch(self, watch: _Watch) -> None:
        second = 0
        while not self._stop.wait(max(self._t0 + second - time.monotonic(), 0)):
            self._ask(watch, float(second))
            # A slow probe skips the seconds that it missed rather than asking late for each.
            second = max(second + 1, int(time.monotonic() - self._t0) + 1)

    def _ask(self, watch: _Watch, at_s: float) -> None:
        watch.asking_at_s = at_s
        began, cpu_began = time.monotonic(), time.thread_time()
        failure = ""
        told: Sequence[Reading | Unknown] = ()
        try:
            told = watch.probe.sample()
        except ProbeError as problem:
            failure = str(problem)
        except Exception as problem:  # a probe's fault is a gap in the report, never the end of the run
            failure = f"{type(problem).__name__}: {problem}"
        took_s = time.monotonic() - began
        watch.cpu_s += time.thread_time() - cpu_began
        if not failure and began + took_s > self._t0 + at_s + LATE_S:
            failure = _HUNG
        with self._lock:
            watch.slowest_ms = max(watch.slowest_ms, took_s * 1000)
            watch.asking_at_s = None
            if failure:
                self._begin_gap(watch, _WHOLE, at_s, failure)
            else:
                self._take(watch, at_s, told)

    def _take(self, watch: _Watch, at_s: float, told: Sequence[Reading | Unknown]) -> None:
        probe = watch.probe
        unknown = {item.metric: item.reason for item in told if isinstance(item, Unknown)}
        self._end_gaps(watch, at_s, but=unknown)
        for metric, reason in unknown.items():
            self._begin_gap(watch, metric, at_s, reason)
        samples = [
            Sample(at_s, probe.tier, r.instance or probe.instance, r.metric, r.value, r.kind)
            for r in told
            if isinstance(r, Reading)
        ]
        self._note_restart(watch, at_s, samples)
        self._drained.samples += samples

    def _note_restart(self, watch: _Watch, at_s: float, samples: list[Sample]) -> None:
        """A counter that shrinks has started again: one event for each instance."""
        restarted = set()
        for sample in samples:
            if sample.kind == "counter":
                key = (sample.instance, sample.metric)
                if sample.value < watch.counters.get(key, 0):
                    restarted.add(sample.instance)
                watch.counters[key] = sample.value
        for instance in sorted(restarted):
            known = (watch.probe.tier, instance)
            # A process and its metrics page are two probes of one restart.
            if at_s - self._restarted_at_s.get(known, -SAME_RESTART_S) < SAME_RESTART_S:
                continue
            self._restarted_at_s[known] = at_s
            text = f"{instance}: its counters began again, so it was restarted"
            self._drained.events.append(Event(at_s, "restart", text, watch.probe.tier, instance))

    def _note_hanging(self) -> None:
        now_s = time.monotonic() - self._t0
        with self._lock:
            for watch in self._watches:
                if watch.asking_at_s is not None and now_s > watch.asking_at_s + LATE_S:
                    self._begin_gap(watch, _WHOLE, watch.asking_at_s, _HUNG)

    def _begin_gap(self, watch: _Watch, metric: str, at_s: float, reason: str) -> None:
        """Open a gap unless one is open; the lock is held."""
        if metric in watch.open_gaps:
            return
        probe, reason = watch.probe, hide(reason, self._secrets)
        watch.open_gaps[metric] = Gap(probe.tier, probe.instance, at_s, at_s, reason)
        self._drained.events.append(Event(at_s, "gap", reason, probe.tier, probe.instance))

    def _end_gaps(self, watch: _Watch, at_s: float, but: Collection[str] = ()) -> None:
        """Close what is told again; the lock is held."""
        for metric in [metric for metric in watch.open_gaps if metric not in but]:
            self._drained.gaps.append(replace(watch.open_gaps.pop(metric), to_s=at_s))
