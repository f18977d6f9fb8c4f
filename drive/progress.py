"""Progress for people: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import Protocol, TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from drive.live import Moment
from results.units import show_duration, show_latency, show_rate, show_ratio

PLAIN_EVERY_S = 5


class Progress(Protocol):
    """Hears of phases and seconds."""

    def phase(self, text: str) -> None:
        """A new phase began."""

    def second(self, *moments: Moment) -> None:
        """Another second of load went by, of a run or of several that are made at once."""

    def close(self) -> None:
        """No more will come."""


@dataclass(frozen=True)
class OneOfSeveral:
    """The progress of one of several runs that are made at once: they share one line a second."""

    name: str
    shared: Progress
    latest: dict[str, Moment | None]
    """Of all of them by name, and one for all of them."""

    def phase(self, text: str) -> None:
        """Say it with the run's name."""
        self.shared.phase(f"{self.name}: {text.strip()}")

    def second(self, *moments: Moment) -> None:
        """Wait for the others' seconds, and show all."""
        self.latest[self.name] = replace(moments[0], name=self.name)
        told = [moment for moment in self.latest.values() if moment is not None]
        if len(told) == len(self.latest):
            self.shared.second(*told)
            self.latest.update(dict.fromkeys(self.latest))

    def close(self) -> None:
        """The shared line is at its end."""
        self.shared.close()


def line(*moments: Moment) -> str:
    """One moment as people read it; of several runs what each of them does."""
    first = moments[0]
    begin = f"{show_duration(first.at_s)} of {show_duration(first.duration_s)}"
    asked = f"asked {show_rate(first.asked_per_s)}"
    if len(moments) == 1:
        busiest = [f"busiest {first.busiest}"] if first.busiest else []
        rate, *rest = _doing(first)
        pieces = [begin, asked, f"{rate} requests", *rest, *busiest]
    else:
        each = [f"{moment.name} {', '.join(_doing(moment))}" for moment in moments]
        pieces = [begin, f"{asked} each", *each]
    return "  ".join([*pieces, f"{show_duration(round(first.left_s))} left"])


def _doing(moment: Moment) -> list[str]:
    told = [
        show_rate(moment.requests_per_s),
        f"p99 {show_latency(moment.p99_us)}",
        f"errors {show_ratio(moment.error_ratio)}",
    ]
    return told + ([f"{moment.backlog} waiting"] if moment.backlog else [])


class PlainProgress:
    """A line a phase, and one every few seconds of load."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._last = -float(PLAIN_EVERY_S)

    def phase(self, text: str) -> None:
        """Print it."""
        print(text, file=self._out, flush=True)

    def second(self, *moments: Moment) -> None:
        """Print it where the last one is some seconds old."""
        at_s = moments[0].at_s
        if at_s - self._last >= PLAIN_EVERY_S:
            self._last = at_s
            self.phase(f"  {line(*moments)}")

    def close(self) -> None:
        """The next run's clock begins at 0 again."""
        self._last = -float(PLAIN_EVERY_S)


class TerminalProgress:
    """One line that is rewritten while load runs."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._live: Live | None = None

    def phase(self, text: str) -> None:
        """Print it above the live line."""
        self.close()
        self._console.print(Text(text, style="dim"))

    def second(self, *moments: Moment) -> None:
        """Rewrite the live line."""
        if self._live is None:
            self._live = Live(console=self._console, refresh_per_second=4, transient=True)
            self._live.start()
        self._live.update(Text(line(*moments), no_wrap=True, overflow="ellipsis"))

    def close(self) -> None:
        """Take the live line away."""
        if self._live is not None:
            self._live.stop()
            self._live = None


def make_progress() -> Progress:
    """The kind that fits where standard error goes."""
    return TerminalProgress() if sys.stderr.isatty() else PlainProgress(sys.stderr)
