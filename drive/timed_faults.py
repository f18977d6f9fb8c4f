"""Faults that begin and end at given times of a run: written, checked, begun, and always ended."""

from __future__ import annotations

import queue
import re
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from results import Event, HarnessError, UsageError, parse_duration_s
from results.units import show_duration
from stack import faults
from stack.errors import SettingError, StackError

_WRITTEN = re.compile(r"([a-z0-9-]+)@(.+)\.\.(.+)")


@dataclass(frozen=True)
class TimedFault:
    """A fault of the stack from one moment of the run to another, in seconds since load began."""

    name: str
    from_s: float
    to_s: float

    @classmethod
    def parse(cls, text: str) -> TimedFault:
        """A fault as it is written: `web1-down@30s..45s`. Raises UsageError."""
        found = _WRITTEN.fullmatch(text.strip())
        if found is None:
            raise UsageError(f"'{text}' is not a timed fault: write it like web1-down@30s..45s")
        name, begin, end = found.groups()
        fault = cls(name, parse_duration_s(begin), parse_duration_s(end))
        if fault.to_s <= fault.from_s:
            raise UsageError(f"fault {text} ends before it begins")
        return fault

    @property
    def text(self) -> str:
        """As it is written."""
        return f"{self.name}@{self.from_s:g}s..{self.to_s:g}s"


def in_order(planned: Iterable[TimedFault], run_s: float) -> tuple[TimedFault, ...]:
    """Timed faults by time, for a run that lasts `run_s`.

    Raises UsageError for one that is outside the run, that overlaps with itself, that there is none of, or
    that is a setting and no disturbance.
    """
    by_time = sorted(planned, key=lambda one: one.from_s)
    until: dict[str, float] = {}
    for fault in by_time:
        try:
            faults.check_can_be_timed(fault.name)
        except SettingError as problem:
            raise UsageError(str(problem)) from problem
        if fault.to_s > run_s:
            raise UsageError(f"fault {fault.text} lies outside the run, which lasts {show_duration(run_s)}")
        if fault.from_s < until.get(fault.name, 0.0):
            raise UsageError(f"fault {fault.text} begins before the one before it has ended")
        until[fault.name] = fault.to_s
    return tuple(by_time)


def check_stack(stack: str, target: str, planned: Sequence[TimedFault]) -> None:
    """Raises UsageError where a target is no stack of ours, or has one of the faults already."""
    if not planned:
        return
    if not stack:
        names = ", ".join(fault.name for fault in planned)
        raise UsageError(f"{names}: target {target} is no stack of 'harness up', faults are for these alone")
    for name in faults.active(stack):
        if name in {fault.name for fault in planned}:
            raise UsageError(f"stack {stack} has fault {name} already: 'harness up --name {stack}' ends it")


Begin = Callable[[str, str], None]
"""Given a stack and a fault."""


@dataclass
class Injector:
    """Begins and ends faults at their times, in threads of its own: some take seconds to begin or to end.

    Events are gathered here, for the one who writes the run to take.
    """

    stack: str
    planned: Sequence[TimedFault]
    begin: Begin = faults.start
    end: Begin = faults.stop
    problems: list[str] = field(default_factory=list)
    """What could not be begun or ended; a run with one is no evidence for anything."""
    _events: queue.SimpleQueue[Event] = field(default_factory=queue.SimpleQueue)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _turn: threading.Lock = field(default_factory=threading.Lock)
    """What a stack writes down of its faults is written by one at a time."""

    def start(self, now_s: Callable[[], float]) -> None:
        """Begin to wait for the times of the faults, by the clock of the run."""
        for fault in self.planned:
            thread = threading.Thread(target=self._keep, args=[fault, now_s], name=f"fault {fault.name}")
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """End every fault that is on, and wait until it has ended."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def take(self) -> list[Event]:
        """What happened since the last time."""
        found = []
        while not self._events.empty():
            found.append(self._events.get())
        return found

    def check(self) -> None:
        """Raises HarnessError when a fault could not be begun or ended."""
        if self.problems:
            raise HarnessError(self.problems[0])

    def _keep(self, fault: TimedFault, now_s: Callable[[], float]) -> None:
        if self._stopped.wait(max(fault.from_s - now_s(), 0.0)):
            return
        began_s = None
        try:
            with self._turn:
                self.begin(self.stack, fault.name)
            began_s = now_s()
            self._say(began_s, f"fault {fault.name}: {faults.FAULTS[fault.name].text}", fault, began_s, None)
            self._stopped.wait(max(fault.to_s - now_s(), 0.0))
        except (StackError, OSError) as problem:
            self.problems.append(f"fault {fault.name} could not begin: {problem}")
        try:  # also what began only in part is put right
            with self._turn:
                self.end(self.stack, fault.name)
        except (StackError, OSError) as problem:
            mended = f"'harness up --name {self.stack}' puts it right"
            self.problems.append(f"fault {fault.name} could not be ended ({problem}): {mended}")
            return
        if began_s is not None:
            self._say(now_s(), f"fault {fault.name} is over", fault, began_s, now_s())

    def _say(self, at_s: float, text: str, fault: TimedFault, from_s: float, to_s: float | None) -> None:
        """`to_s` is None in the first event of a fault: nobody knows yet when it will have ended."""
        data = {"name": fault.name, "from_s": from_s, "to_s": to_s}
        self._events.put(Event(at_s, "fault", text, data=data))
