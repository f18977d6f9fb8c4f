"""Little's law as a check of a level: what is in flight against rate x time."""

from __future__ import annotations

import numpy as np

from analysis.bottleneck.stretch import Stretch
from analysis.laws import LittleCheck

SEVERAL = 1.1
"""Requests an arrival from which they may go at the same time, as a batch's do: then times do not add up."""
MATTERS = 0.25
NEEDS = 5.0
"""A few seconds of one look each, taken when the generator comes to it, tell nothing of less or of fewer."""


def little(stretch: Stretch) -> LittleCheck:
    """Little's law at a level: arrivals in flight against their rate and service time.

    In flight is one look a second, so its own noise is allowed for: two standard errors of a Poisson count,
    or of what was seen, where neighbouring seconds are alike (a third of them counts).
    """
    arrivals, requests = stretch.finished_per_s * stretch.seconds, stretch.service.count
    service_s = stretch.service.mean_us / 1e6 * requests / arrivals if arrivals and requests else 0.0
    seen = np.array(list(stretch.in_flight_by_second.values()), dtype=float)
    spread = float(np.std(seen) * np.sqrt(3)) if seen.size else 0.0
    noise = 2 * max(np.sqrt(max(stretch.in_flight, 0.0)), spread) / np.sqrt(max(stretch.seconds, 1.0))
    several = requests > SEVERAL * arrivals
    return LittleCheck(stretch.in_flight, stretch.finished_per_s, service_s, float(noise), several)


def unsteady(check: LittleCheck) -> bool:
    """Whether a level misses the law by a quarter and by more than chance: it cannot have been steady."""
    return bool(not check.holds and abs(check.miss) >= MATTERS and check.expected >= NEEDS)
