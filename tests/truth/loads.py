"""Runs load against the calibrated server and gathers every frame, as whoever steers would."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from load.launch import LoadProcess
from results import Account, Flow, Histogram, Interval

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LEAD_S = 0.3


@dataclass
class Seen:
    """All that a load process said."""

    intervals: list[Interval] = field(default_factory=list)
    flows: list[Flow] = field(default_factory=list)
    accounts: dict[str, Account] = field(default_factory=dict)
    health: list[dict[str, Any]] = field(default_factory=list)
    other: list[dict[str, Any]] = field(default_factory=list)

    def response(self, name: str = "ask", from_s: float = 0, to_s: float = 1e9) -> Histogram:
        """Response times of an endpoint's requests by second of intended start."""
        return Histogram.merged(p.response for p in self._of(name, from_s, to_s))

    def service(self, name: str = "ask", from_s: float = 0, to_s: float = 1e9) -> Histogram:
        """Their service times."""
        return Histogram.merged(p.service for p in self._of(name, from_s, to_s))

    def _of(self, name: str, from_s: float, to_s: float) -> Iterator[Interval]:
        for piece in self.intervals:
            if piece.endpoint.name == name and not piece.endpoint.setup and from_s <= piece.second < to_s:
                yield piece

    @property
    def account(self) -> Account:
        """The sum over generators."""
        return sum(self.accounts.values(), Account())

    def said(self, kind: str) -> list[dict[str, Any]]:
        """The other frames of a kind."""
        return [frame for frame in self.other if frame["t"] == kind]


@contextmanager
def calibrated_server(*arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The calibrated server in a process of its own; its base URL and the process."""
    command = [sys.executable, "-m", "tests.truth.server", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}", process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def served(url: str) -> int:
    """How many requests the calibrated server counted."""
    with urllib.request.urlopen(f"{url}/served", timeout=30) as answer:
        return int(answer.read())


def run_load(
    url: str,
    folder: Path,
    stages: str,
    *,
    scenario: Path = HERE / "one_request.py",
    processes: int = 1,
    each: Callable[[float, LoadProcess, Seen], None] = lambda at_s, load, seen: None,
    **config: Any,
) -> Seen:
    """Make load on a server until it is done. `each` is called several times a second with the run's time."""
    told = {"stages": stages, "target": {"base_url": url}, **config}
    load = LoadProcess(scenario, told, folder / "load.log", processes, cwd=ROOT)
    load.start()
    seen = Seen()
    try:
        _until(load, seen, "ready", 60, lambda: None)
        t0 = time.monotonic() + LEAD_S
        load.go(t0)
        _until(load, seen, "done", 240, lambda: each(time.monotonic() - t0, load, seen))
    except BaseException:
        print((folder / "load.log").read_text(errors="replace"))  # noqa: T201 (pytest shows it on failure)
        raise
    finally:
        load.close()
    return seen


def _until(load: LoadProcess, seen: Seen, kind: str, within_s: float, each: Callable[[], None]) -> None:
    deadline = time.monotonic() + within_s
    while not seen.said(kind):
        assert time.monotonic() < deadline, f"no '{kind}' within {within_s} s"
        frames = load.frames(0.1)
        assert frames or load.alive, f"load ended without '{kind}'"
        for frame in frames:
            _take(seen, frame)
        each()


def _take(seen: Seen, frame: dict[str, Any]) -> None:
    if frame["t"] == "interval":
        seen.intervals.append(Interval.from_frame(frame))
    elif frame["t"] == "flow":
        seen.flows.append(Flow.from_frame(frame))
    elif frame["t"] == "account":
        figures = {name: frame[name] for name in Account.__dataclass_fields__}
        seen.accounts[frame["generator"]] = Account(**figures)
    elif frame["t"] == "health":
        seen.health.append(frame)
    elif frame["t"] != "done" or "generator" not in frame or len(seen.accounts) == 1:
        seen.other.append(frame)
