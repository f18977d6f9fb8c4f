"""Runs of this harness's own load processes on core 0, as whoever steers would make them."""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from load.launch import LoadProcess
from results import Flow, Histogram, Interval

GENERATOR_CORE: Final = 0
SERVER_CORE: Final = 1
LOADS: Final = Path(__file__).resolve().parent / "loads"
LEAD_S: Final = 0.2


@dataclass
class Seen:
    """What a load process told, from one second of its run up to another."""

    frames: list[dict[str, Any]] = field(default_factory=list)

    def flows(self, from_s: int = 0, to_s: int = 1 << 30) -> list[Flow]:
        """The flows of whole seconds."""
        return [Flow.from_frame(f) for f in self._of("flow", from_s, to_s)]

    def cpu_s(self, from_s: int = 0, to_s: int = 1 << 30) -> float:
        """CPU seconds of the generator."""
        return sum(float(f["cpu_ratio"]) for f in self._of("health", from_s, to_s) if "cpu_ratio" in f)

    def service(self, from_s: int = 0) -> Histogram:
        """Service times of all requests that are not set-up."""
        pieces = (Interval.from_frame(f) for f in self._of("interval", from_s, 1 << 30))
        return Histogram.merged(piece.service for piece in pieces if not piece.endpoint.setup)

    def check(self, seconds: int, flows: list[Flow]) -> None:
        """Raises RuntimeError if a request failed, or a second of those asked for is missing."""
        failed: Counter[str] = Counter()
        for frame in self._of("interval", 0, 1 << 30):
            failed.update({kind: count for kind, (count, _) in frame["errors"].items()})
        if failed:
            said = ", ".join(f"{count} x {kind}" for kind, count in failed.most_common())
            raise RuntimeError(f"requests failed: {said}")
        if len(flows) != seconds:
            raise RuntimeError(f"{len(flows)} of {seconds} s were reported")

    def _of(self, kind: str, from_s: int, to_s: int) -> list[dict[str, Any]]:
        return [f for f in self.frames if f["t"] == kind and from_s <= f["second"] < to_s]


def run(
    scenario: str,
    config: dict[str, Any],
    each: Callable[[dict[str, Any], LoadProcess], bool] = lambda frame, load: True,
) -> Seen:
    """Make load to its end. `each` sees every frame and says whether to keep it. Raises RuntimeError."""
    with tempfile.TemporaryDirectory(prefix="harness-") as folder:
        load = LoadProcess(LOADS / f"{scenario}.py", {"grace_s": 1, **config}, Path(folder) / "log")
        cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {GENERATOR_CORE})
        try:
            load.start()
        finally:
            os.sched_setaffinity(0, cores)
        seen = Seen()
        try:
            while _take(load, seen, each):
                pass
        finally:
            load.close()
    return seen


def _take(load: LoadProcess, seen: Seen, each: Callable[[dict[str, Any], LoadProcess], bool]) -> bool:
    frames = load.frames(0.5)
    if not frames and not load.alive:
        raise RuntimeError(f"the load process ended early: {load.last_words()}")
    for frame in frames:
        if frame["t"] == "ready":
            load.go(time.monotonic() + LEAD_S)
        elif frame["t"] == "done":
            return False
        elif each(frame, load):
            seen.frames.append(frame)
    return True
