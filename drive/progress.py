"""Progress for people: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
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

    def second(self, moment: Moment) -> None:
        """Another second of load went by."""

    def close(self) -> None:
        """No more will come."""


def line(moment: Moment) -> str:
    """One moment as people read it."""
    pieces = [
        f"{show_duration(moment.at_s)} of {show_duration(moment.duration_s)}",
        f"asked {show_rate(moment.asked_per_s)}",
        f"{show_rate(moment.requests_per_s)} requests",
        f"p99 {show_latency(moment.p99_us)}",
        f"errors {show_ratio(moment.error_ratio)}",
    ]
    if moment.backlog:
        pieces.append(f"{moment.backlog} waiting")
    if moment.busiest:
        pieces.append(f"busiest {moment.busiest}")
    pieces.append(f"{show_duration(moment.left_s)} left")
    return "  ".join(pieces)


class PlainProgress:
    """A line a phase, and one every few seconds of load."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._last = -float(PLAIN_EVERY_S)

    def phase(self, text: str) -> None:
        """Print it."""
        print(text, file=self._out, flush=True)

    def second(self, moment: Moment) -> None:
        """Print it where the last one is some seconds old."""
        if moment.at_s - self._last >= PLAIN_EVERY_S:
            self._last = moment.at_s
            self.phase(f"  {line(moment)}")

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

    def second(self, moment: Moment) -> None:
        """Rewrite the live line."""
        if self._live is None:
            self._live = Live(console=self._console, refresh_per_second=4, transient=True)
            self._live.start()
        self._live.update(Text(line(moment), no_wrap=True, overflow="ellipsis"))

    def close(self) -> None:
        """Take the live line away."""
        if self._live is not None:
            self._live.stop()
            self._live = None


def make_progress() -> Progress:
    """The kind that fits where standard error goes."""
    return TerminalProgress() if sys.stderr.isatty() else PlainProgress(sys.stderr)
