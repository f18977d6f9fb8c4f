"""What generators and probes tell of a run: stored, kept for the progress line, and for hooks to hear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from drive.live import Live, account_from
from results import Event, Flow, Interval, RunWriter, Sample
from results.units import show_duration


@dataclass
class Intake:
    """Takes in the generators' frames and the probes' samples; knows how far load has come."""

    writer: RunWriter
    live: Live = field(default_factory=Live)
    intervals: list[Interval] = field(default_factory=list)
    """What has come since `forget`, as flows and samples."""
    flows: list[Flow] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    """Generators that were lost so far, in words."""
    came: int = 0
    """Workers from elsewhere that are there."""
    is_ready: bool = False
    is_done: bool = False
    is_aborted: bool = False

    def take(self, frame: dict[str, Any]) -> None:
        """Take in what the generators say."""
        match frame["t"]:
            case "interval":
                self._add_interval(Interval.from_frame(frame))
            case "flow":
                self._add_flow(Flow.from_frame(frame))
            case "health":
                self.add_samples(_health_samples(frame))
            case "account":
                self.writer.set_account(frame["generator"], account_from(frame))
            case "lost":
                self._add_lost(frame["generator"], frame["second"], frame["reason"])
            case "event":
                self._add_event(frame)
            case "workers":
                self.came = frame["came"]
            case "ready":
                self.is_ready = True
            case "done":
                self.is_done = True

    def add_samples(self, samples: Sequence[Sample]) -> None:
        """Take in what tiers said."""
        self.writer.add_samples(samples)
        for sample in samples:
            self.live.add_sample(sample)
        self.samples += samples

    def forget(self) -> None:
        """Let go of what the hooks have heard; what is stored stays."""
        for heard in (self.intervals, self.flows, self.samples):
            heard.clear()

    def _add_interval(self, piece: Interval) -> None:
        self.writer.add_intervals([piece])
        self.live.add_interval(piece)
        self.intervals.append(piece)

    def _add_flow(self, flow: Flow) -> None:
        self.writer.add_flows([flow])
        self.live.add_flow(flow)
        self.flows.append(flow)

    def _add_lost(self, generator: str, second: float, reason: str) -> None:
        text = f"generator {generator} was lost at {show_duration(second)}: {reason}"
        self.lost.append(text)
        data = {"generator": generator}
        self.writer.add_events([Event(second, "lost", text, "generator", generator, data)])

    def _add_event(self, frame: dict[str, Any]) -> None:
        data = frame.get("data", {})
        self.writer.add_events([Event(frame["at_s"], frame["kind"], frame["text"], "generator", data=data)])
        self.is_aborted = self.is_aborted or frame["kind"] == "aborted"


def _health_samples(frame: dict[str, Any]) -> list[Sample]:
    """A generator's own figures at the end of a second."""
    at_s, generator = float(frame["second"]) + 1, frame["generator"]
    gauges = {
        name: value
        for name, value in frame.items()
        if name not in ("t", "generator", "second") and isinstance(value, int | float)
    }
    counters = frame.get("counters", {})
    return [
        *(Sample(at_s, "generator", generator, name, float(value)) for name, value in gauges.items()),
        *(
            Sample(at_s, "generator", generator, name, float(value), "counter")
            for name, value in counters.items()
        ),
    ]
