"""The course of one run: probes on, load on, everything written down each second, load off, probes off."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from drive.intake import Intake
from drive.plan import Plan
from drive.progress import Progress
from drive.timed_faults import Injector
from load.launch import LoadProcess
from probes.sampler import Sampler
from results import Event, HarnessError, RunWriter
from results.folding import AFTER_S, PIECE_S

READY_WITHIN_S = 60.0
LEAD_S = 0.3
"""Between saying go and the first arrival: time for every generator to hear it."""
LAST_S = 10.0
"""For Locust to end after its last word."""
END_ALLOWANCE_S = 15.0
"""Beyond the plan and its grace, before load that does not end is ended."""

FOLD_EVERY_S = 60
"""Older detail is folded a minute at a time: more at once would keep the generators waiting."""

Each = Callable[["Course"], None]


@dataclass
class Course:
    """One run while it is being made. `each_second` hooks may steer it (a capacity search)."""

    plan: Plan
    writer: RunWriter
    load: LoadProcess
    sampler: Sampler
    progress: Progress
    faults: Injector
    hold: bool = False
    intake: Intake = field(init=False)
    t0: float = 0.0
    asked_per_s: float | None = None
    """The rate that a hook has set; None where the plan's stages say it."""
    each_second: list[Each] = field(default_factory=list)
    state: str = "finished"
    _printed: int = -1

    def __post_init__(self) -> None:
        self.intake = Intake(self.writer)

    @property
    def at_s(self) -> float:
        """Seconds since load began."""
        return time.monotonic() - self.t0

    @property
    def done(self) -> bool:
        """Whether load has said its last word."""
        return self.intake.is_done

    def note(self, kind: str, text: str, **data: Any) -> None:
        """Write an event down."""
        self.writer.add_events([Event(self.at_s, kind, text, data=data)])

    @property
    def is_folded(self) -> bool:
        """Whether older detail is folded: not in a search, nor where a fault is judged by the second."""
        return self.plan.stages.duration_s > AFTER_S and not self.hold and not self.plan.faults

    def begin(self) -> None:
        """Start the generators and the probes; returns when the first arrival is about to come."""
        self.start()
        self.wait_until_ready()
        self.go(time.monotonic() + LEAD_S)

    def start(self) -> None:
        """Say which tiers cannot be watched, and why, and start the generators."""
        for note in (*self.sampler.check(), *self.plan.notes):
            self.progress.phase(f"note: {note}")
            self.writer.add_events([Event(0, "note", note)])
        self.progress.phase(f"starting {self.plan.scenario_name}")
        self.load.start()

    def wait_until_ready(self) -> None:
        """Hear the generators until all could begin. Raises HarnessError where that takes too long."""
        workers = self.plan.workers
        if workers is not None:
            self.progress.phase(f"waiting for {workers.count} of '{workers.command}'")
            self._hear_until(lambda: self.intake.came >= workers.count, workers.wait_s)
        self._hear_until(lambda: self.intake.is_ready, READY_WITHIN_S)

    def go(self, t0: float) -> None:
        """Let load begin at a moment of time.monotonic, and start the probes."""
        self.t0 = t0
        begins_at = datetime.now(UTC) + timedelta(seconds=t0 - time.monotonic())
        self.writer.update(started_at=begins_at.isoformat())
        self.sampler.start(self.t0)
        self.load.go(self.t0)
        self.faults.start(lambda: self.at_s)

    def keep(self) -> None:
        """Write down what comes until load has ended by itself or by a hook."""
        while self.step():
            pass

    def step(self) -> bool:
        """Write down what comes within a moment; whether more is to come."""
        if self.done:
            return False
        self._hear(0.2)
        self._tick()
        limit_s = self.plan.stages.duration_s + self.plan.grace_s + END_ALLOWANCE_S
        if self.at_s > limit_s and not self.hold:
            self.note("aborted", "load did not end in time and was ended")
            self.state = "aborted"
            return False
        if not self.done:
            self._check_alive()
        return not self.done

    def stop(self) -> None:
        """End faults, and tell load to end."""
        self.faults.stop()
        self._take_faults()
        if not self.done:
            self.load.stop()

    def end(self) -> None:
        """Stop, take in load's last words, stop the probes and write what they have left."""
        ended_s = self.at_s
        self.stop()
        deadline = time.monotonic() + self.plan.grace_s + 5
        while not self.done and time.monotonic() < deadline and self.load.alive:
            self._hear(0.2)
        # Before all workers have come Locust waits for them, and only a signal ends that.
        self.load.close(LAST_S if self.intake.is_ready else 1)
        self._take_samples()
        self.sampler.stop()
        self._take_samples()
        left = self.sampler.finish()
        self.writer.add_digests(left.digests)
        self.writer.add_logs(left.logs)
        # A run that ended about then may be told as no longer than that, and is looked at by the second.
        if self.is_folded and ended_s > AFTER_S + PIECE_S:
            self._fold(self.at_s)

    def _hear(self, within_s: float) -> None:
        """Take in what the generators say within a time."""
        for frame in self.load.frames(within_s):
            self.intake.take(frame)
            if frame["t"] == "workers" and self.plan.workers is not None:
                self.progress.phase(f"  {frame['came']} of {frame['of']} workers are there")
        if self.intake.is_aborted:
            self.state = "aborted"

    def _hear_until(self, is_so: Callable[[], bool], within_s: float) -> None:
        deadline = time.monotonic() + within_s
        while not is_so() and not self.done:
            self._hear(0.2)
            self._check_alive()
            if time.monotonic() > deadline:
                workers = self.plan.workers
                if workers is not None and self.intake.came < workers.count:
                    raise HarnessError(workers.too_few(self.intake.came))
                raise HarnessError(f"load was not ready within {within_s:.0f} s: see {self.load.log_path}")

    def _check_alive(self) -> None:
        if not self.load.alive:
            self._hear(0)
            if not self.done:
                raise HarnessError(f"the load process ended early: {self.load.last_words()}")

    def _take_samples(self) -> None:
        drained = self.sampler.drain()
        self.intake.add_samples(drained.samples)
        self.writer.add_gaps(drained.gaps)
        self.writer.add_events(drained.events)

    def _fold(self, before_s: float) -> None:
        held = [edge for begin, end, _ in self.plan.stages.holds() for edge in (begin, end)]
        self.writer.fold(before_s, [self.plan.warmup_s, *held])

    def _take_faults(self) -> None:
        for event in self.faults.take():
            self.writer.add_events([event])
            self.progress.phase(f"  {event.text}")

    def _tick(self) -> None:
        """Once a second: take the probes' samples in, commit, show progress, let the hooks act."""
        second = int(self.at_s)
        if second == self._printed or self.at_s < 0:
            return
        self._printed = second
        self._take_samples()
        self._take_faults()
        if self.is_folded and second % FOLD_EVERY_S == 0:
            self._fold(second - AFTER_S)
        self.writer.commit()
        self.faults.check()
        for hook in self.each_second:
            hook(self)
        self.intake.forget()
        stages = self.plan.stages
        asked_per_s = stages.rate_at(self.at_s) if self.asked_per_s is None else self.asked_per_s
        self.progress.second(self.intake.live.moment(self.at_s, stages.duration_s, asked_per_s))
