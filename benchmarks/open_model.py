"""The open model at a fixed rate: is it made, how late does the generator wake up, and at what CPU?"""

from __future__ import annotations

import statistics
import sys
from dataclasses import dataclass
from typing import Final

from benchmarks.harness_runs import run
from results import Histogram

WARMUP_S: Final = 2
"""New connections are made, and memory for them, in the first seconds."""


@dataclass(frozen=True)
class OpenRound:
    """One round's figures, after the warm-up."""

    scheduled_per_s: float
    """Arrivals that fell due: a Poisson process draws a little more or less than its rate."""
    finished_per_s: float
    cpu_ratio: float
    wake_lag: Histogram

    @property
    def shortfall(self) -> float:
        """The share of arrivals due that were not done within the same seconds."""
        return 1 - self.finished_per_s / self.scheduled_per_s


def measure(port: int, rate_per_s: int, rounds: int, seconds: int) -> list[OpenRound]:
    """Rounds of Poisson arrivals at a rate. Raises RuntimeError if any request failed."""
    taken = []
    for number in range(rounds):
        config = {
            "stages": f"{rate_per_s}/s for {seconds + WARMUP_S}s",
            "target": {"base_url": f"http://127.0.0.1:{port}"},
            "seed": number + 1,
        }
        seen = run("bench_lean", config)
        flows = seen.flows(WARMUP_S, WARMUP_S + seconds)
        seen.check(seconds, flows)
        taken.append(
            OpenRound(
                sum(flow.scheduled for flow in flows) / seconds,
                sum(flow.finished for flow in flows) / seconds,
                seen.cpu_s(WARMUP_S, WARMUP_S + seconds) / seconds,
                Histogram.merged(flow.wake_lag for flow in flows),
            )
        )
        said = (
            f"round {number + 1}: open model {taken[-1].finished_per_s:,.0f}/s, {taken[-1].cpu_ratio:.0%} CPU"
        )
        print(said, file=sys.stderr, flush=True)
    return taken


def row(rate_per_s: int, rounds: list[OpenRound]) -> str:
    """A line of a Markdown table: medians over the rounds."""
    finished = statistics.median(each.finished_per_s for each in rounds)
    due = statistics.median(each.scheduled_per_s for each in rounds)
    shortfall = statistics.median(each.shortfall for each in rounds)
    cpu = statistics.median(each.cpu_ratio for each in rounds)
    p50, p99 = (statistics.median(each.wake_lag.quantile_us(q) for each in rounds) for q in (0.5, 0.99))
    return (
        f"| {rate_per_s:,}/s | {due:,.0f}/s | {finished:,.0f}/s | {shortfall:+.2%} |"
        f" {p50 / 1000:.2f} ms | {p99 / 1000:.2f} ms | {cpu:.0%} |"
    )
