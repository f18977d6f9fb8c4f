"""Reasons not to believe a run: lost generators, uncounted arrivals, a generator that was itself the limit."""

from __future__ import annotations

import math

from analysis.samples import Samples
from analysis.timeline import FlowLine
from results import Run
from results.units import show_duration, show_latency, show_ratio

BUSY_GENERATOR = 0.9
"""Cores of one generator process, on average over the steady part."""
LATE_GENERATOR_US = 20_000.0
"""A generator that wakes its users later than this at the p99 makes the load other than planned."""
LEAST_SHARE_SENT = 0.95


def doubts_of(run: Run, samples: Samples, flow: FlowLine, sent_share: float) -> list[str]:
    """Why the run cannot be trusted, the gravest first; empty when nothing speaks against it.

    `sent_share` is the achieved arrival rate as a share of the one asked for, nan if not known.
    """
    found = [event.text for event in run.events if event.kind == "lost"]
    missing = run.account.missing
    if missing:
        found.append(f"{abs(missing):,} of {run.account.scheduled:,} arrivals are not accounted for")
    busy = samples.mean("generator", "cpu_ratio")
    if busy is not None and busy > BUSY_GENERATOR:
        found.append(f"the load generator was the limit, at {show_ratio(busy)} of a core")
    lag_us = _median(flow.wake_lag_p99_us.tolist())
    if lag_us > LATE_GENERATOR_US:
        found.append(f"the load generator was late by {show_latency(lag_us)} at its p99")
    is_open = run.stages is None or run.stages.open
    if is_open and sent_share < LEAST_SHARE_SENT and not run.account.never_started:
        found.append(f"only {show_ratio(sent_share)} of the arrivals asked for were begun")
    if run.state == "running":
        found.append("it ended without saying so, and its last second may be missing")
    elif run.state != "finished":
        found.append(f"it was {run.state} after {show_duration(run.duration_s)}")
    return found


def _median(values: list[float]) -> float:
    known = sorted(value for value in values if math.isfinite(value))
    return known[len(known) // 2] if known else 0.0
