"""The course of one run: probes on, load on, everything written down each second, load off, probes off."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from drive.live import Live, account_from
from drive.plan import ROOT, Plan
from drive.progress import Progress
from drive.target import Target
from drive.timed_faults import Injector
from load.launch import LoadProcess
from probes.from_target import sampler_for
from probes.sampler import Sampler
from results import Event, Flow, HarnessError, Interval, RunWriter, Sample
from results.units import show_duration

READY_WITHIN_S = 60.0
LEAD_S = 0.3
"""Between saying go and the first arrival: time for every generator to hear it."""
LAST_S = 10.0
"""For Locust to end after its last word."""
END_ALLOWANCE_S = 15.0
"""Beyond the plan and its grace, before load that does not end is ended."""

Each = Callable[["Course"], None]


@dataclass
class Course:
    """One run while it is being made. `each_second` hooks may steer it (a capacity search)."""

    plan: Plan
    target: Target
    writer: RunWriter
    load: LoadProcess
    sampler: Sampler
    progress: Progress
    faults: Injector
    live: Live = field(default_factory=Live)
    t0: float = 0.0
    hold: bool = False
    asked_per_s: float | None = None
    """The rate that a hook has set; None where the plan's stages say it."""
    each_second: list[Each] = field(default_factory=list)
    intervals: list[Interval] = field(default_factory=list)
    """What has arrived since the hooks last ran, as flows and samples; only kept where there are hooks."""
    flows: list[Flow] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    """Generators that were lost so far, in words."""
    came: int = 0
    """Workers from elsewhere that are there."""
    ready: bool = False
    done: bool = False
    state: str = "finished"
    _printed: int = -1

    @property
    def at_s(self) -> float:
        """Seconds since load began."""
        return time.monotonic() - self.t0

    def note(self, kind: str, text: str, **data: Any) -> None:
        """Write an event down."""
        self.writer.add_events([Event(self.at_s, kind, text, data=data)])

    def begin(self) -> None:
        """Start the generators and the probes; returns when the first arrival is about to come."""
        self.start()
        self.wait_until_ready()
        self.go(time.monotonic() + LEAD_S)

    def start(self) -> None:
        """Start the generators."""
        self.progress.phase(f"starting {self.plan.scenario_name}")
        self.load.start()

    def wait_until_ready(self) -> None:
        """Hear the generators until all could begin. Raises HarnessError where that takes too long."""
        workers = self.plan.workers
        if workers is not None:
            self.progress.phase(f"waiting for {workers.count} of '{workers.command}'")
            self._hear_until(lambda: self.came >= workers.count, workers.wait_s)
        self._hear_until(lambda: self.ready, READY_WITHIN_S)

    def go(self, t0: float) -> None:
        """Let load begin at a moment of time.monotonic, and start the probes."""
        self.t0 = t0
        begins_at = datetime.now(UTC) + timedelta(seconds=t0 - time.monotonic())
        self.writer.update(started_at=begins_at.isoformat())
        self.sampler.start(self.t0)
        self.load.go(self.t0)
        self.faults.start(lambda: self.at_s)

    def _hear_until(self, is_so: Callable[[], bool], within_s: float) -> None:
        deadline = time.monotonic() + within_s
        while not is_so() and not self.done:
            for frame in self._frames(0.2):
                self._take(frame)
            self._check_alive()
            if time.monotonic() > deadline:
                workers = self.plan.workers
                if workers is not None and self.came < workers.count:
                    raise HarnessError(workers.too_few(self.came))
                raise HarnessError(f"load was not ready within {within_s:.0f} s: see {self.load.log_path}")

    def keep(self) -> None:
        """Write down what comes until load has ended by itself or by a hook."""
        while self.step():
            pass

    def step(self) -> bool:
        """Write down what comes within a moment; whether more is to come."""
        if self.done:
            return False
        for frame in self._frames(0.2):
            self._take(frame)
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
        self.stop()
        deadline = time.monotonic() + self.plan.grace_s + 5
        while not self.done and time.monotonic() < deadline and self.load.alive:
            for frame in self._frames(0.2):
                self._take(frame)
        # Before all workers have come Locust waits for them, and only a signal ends that.
        self.load.close(LAST_S if self.ready else 1)
        self._take_samples()
        self.sampler.stop()
        self._take_samples()
        left = self.sampler.finish()
        self.writer.add_digests(left.digests)
        self.writer.add_logs(left.logs)

    def _frames(self, timeout_s: float) -> Iterable[dict[str, Any]]:
        return self.load.frames(timeout_s)

    def _check_alive(self) -> None:
        if not self.load.alive:
            for frame in self._frames(0):
                self._take(frame)
            if not self.done:
                raise HarnessError(f"the load process ended early: {self.load.last_words()}")

    def _take(self, frame: dict[str, Any]) -> None:
        kind = frame["t"]
        if kind == "interval":
            piece = Interval.from_frame(frame)
            self.writer.add_intervals([piece])
            self.live.add_interval(piece)
            if self.each_second:
                self.intervals.append(piece)
        elif kind == "flow":
            flow = Flow.from_frame(frame)
            self.writer.add_flows([flow])
            self.live.add_flow(flow)
            if self.each_second:
                self.flows.append(flow)
        elif kind == "health":
            self._take_health(frame)
        elif kind == "account":
            self.writer.set_account(frame["generator"], account_from(frame))
        elif kind == "lost":
            at = show_duration(frame["second"])
            text = f"generator {frame['generator']} was lost at {at}: {frame['reason']}"
            data = {"generator": frame["generator"]}
            self.lost.append(text)
            self.writer.add_events(
                [Event(frame["second"], "lost", text, "generator", frame["generator"], data)]
            )
        elif kind == "event":
            self.writer.add_events(
                [Event(frame["at_s"], frame["kind"], frame["text"], "generator", data=frame.get("data", {}))]
            )
            if frame["kind"] == "aborted":
                self.state = "aborted"
        elif kind == "workers":
            self.came = frame["came"]
            if self.plan.workers is not None:
                self.progress.phase(f"  {self.came} of {frame['of']} workers are there")
        elif kind == "ready":
            self.ready = True
        elif kind == "done":
            self.done = True

    def _take_health(self, frame: dict[str, Any]) -> None:
        named = {name: value for name, value in frame.items() if name not in ("t", "generator", "second")}
        at_s, generator = float(frame["second"]) + 1, frame["generator"]
        samples = [
            Sample(at_s, "generator", generator, name, float(value))
            for name, value in named.items()
            if isinstance(value, int | float)
        ]
        samples += [
            Sample(at_s, "generator", generator, name, float(value), "counter")
            for name, value in frame.get("counters", {}).items()
        ]
        self._add_samples(samples)

    def _take_samples(self) -> None:
        drained = self.sampler.drain()
        self._add_samples(drained.samples)
        self.writer.add_gaps(drained.gaps)
        self.writer.add_events(drained.events)

    def _add_samples(self, samples: list[Sample]) -> None:
        self.writer.add_samples(samples)
        for sample in samples:
            self.live.add_sample(sample)
        if self.each_second:
            self.samples.extend(samples)

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
        self.writer.commit()
        self.faults.check()
        for hook in self.each_second:
            hook(self)
        for heard in (self.intervals, self.flows, self.samples):
            heard.clear()
        stages = self.plan.stages
        asked_per_s = stages.rate_at(self.at_s) if self.asked_per_s is None else self.asked_per_s
        self.progress.second(self.live.moment(self.at_s, stages.duration_s, asked_per_s))


def make_course(
    plan: Plan, target: Target, writer: RunWriter, folder: Path, progress: Progress, *, hold: bool = False
) -> Course:
    """Everything of a run that has not begun; says which tiers cannot be watched, and why."""
    description = target.resolved()
    sampler = sampler_for(description)
    for problem in sampler.check():
        progress.phase(f"note: {problem}")
        writer.add_events([Event(0, "note", problem)])
    for note in plan.notes:
        progress.phase(note)
        writer.add_events([Event(0, "note", note)])
    load = LoadProcess(
        scenario=plan.scenario,
        config={
            "stages": plan.stages.text,
            "arrivals": plan.arrivals,
            "seed": plan.seed,
            "max_users": plan.max_users,
            "max_backlog": plan.max_backlog,
            "grace_s": plan.grace_s,
            "hold": hold,
            "replay": plan.replay,
            "target": target.for_scenarios(),
        },
        log_path=folder / "logs" / "load.log",
        processes=plan.workers.count if plan.workers else plan.processes,
        cwd=ROOT,
        workers_at=plan.workers.address if plan.workers else None,
    )
    faults = Injector(target.stack, plan.faults)
    return Course(plan, target, writer, load, sampler, progress, faults, hold=hold)
