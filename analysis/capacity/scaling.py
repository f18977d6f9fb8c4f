"""How the system scales: the Universal Scalability Law over the levels, the bounds, and what-ifs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.bottleneck.stretch import Stretch
from analysis.capacity.whatif import ASSUMPTIONS, Prediction, changes, model, predict, unexplained
from analysis.scalability import SHOWN_TO, Floats, Usl, fit_usl

BAND_POINTS = 17


@dataclass(frozen=True)
class Scaling:
    """`load` (requests in the system, by Little's law) and `rate_per_s` of each level that was no overload.

    `usl` is None with fewer than four distinct loads. `bounds` are (what, most per second), the tightest
    first: what throughput cannot exceed, by the demands measured. `predictions` are what-ifs, the largest
    gain first.
    """

    load: Floats
    rate_per_s: Floats
    usl: Usl | None
    bounds: tuple[tuple[str, float], ...]
    unloaded_s: float
    predictions: tuple[Prediction, ...]
    unexplained: str = ""
    """Why nothing is predicted, where the model does not explain the limit."""
    assumptions: tuple[str, ...] = ASSUMPTIONS

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        usl = self.usl
        return {
            "levels": [
                {"in_system": float(n), "rate_per_s": float(x)}
                for n, x in zip(self.load, self.rate_per_s, strict=True)
            ],
            "usl": usl
            and {
                "alpha": usl.alpha, "beta": usl.beta, "gamma": usl.gamma, "r_squared": usl.r_squared,
                "tested_to": usl.tested_to, "peak": usl.peak, "sentence": usl.sentence,
                "band": _band(usl),
            },
            "bounds": [{"what": name, "rate_per_s": rate} for name, rate in self.bounds],
            "what_if": [
                {
                    "change": one.change, "before_per_s": one.before_per_s, "after_per_s": one.after_per_s,
                    "gain": one.gain, "limited_by": one.limited_by,
                }
                for one in self.predictions
            ],
            "unexplained": self.unexplained,
            "assumptions": list(self.assumptions),
        }  # fmt: skip


def _band(usl: Usl) -> list[dict[str, float]]:
    """The fitted line with its 90% band, from an empty system to as far as it is shown."""
    load = np.linspace(0, SHOWN_TO * usl.tested_to, BAND_POINTS)
    columns = load, usl.throughput_per_s(load), *usl.band(load)
    names = ("in_system", "rate_per_s", "low_per_s", "high_per_s")
    return [dict(zip(names, map(float, row), strict=True)) for row in zip(*columns, strict=True)]


def scaling(
    levels: Sequence[Stretch],
    overloaded: Sequence[bool],
    capacity_per_s: float | None,
    counts: Sequence[tuple[str, int]],
) -> Scaling | None:
    """All of it from the levels, in order of rate; None without a level that was no overload."""
    calm = [one for one, over in zip(levels, overloaded, strict=True) if not over and one.response.count]
    if not calm:
        return None
    rate = np.array([one.finished_per_s for one in calm])
    load = np.array([one.finished_per_s * _response_s(one) for one in calm])
    system = model(measured_at(calm), calm[0])
    predictions: list[Prediction] = []
    why = unexplained(system, capacity_per_s) if capacity_per_s is not None else ""
    if capacity_per_s is not None and system.stations and not why:
        predictions = [predict(system, capacity_per_s, change) for change in changes(system, counts)]
    return Scaling(
        load,
        rate,
        fit_usl(load, rate),
        system.bounds,
        float(_response_s(calm[0])),
        tuple(sorted(predictions, key=lambda one: -one.gain)),
        why,
    )


def measured_at(calm: Sequence[Stretch]) -> Stretch:
    """The level whose demands are taken: the highest that kept its objectives, else the lowest."""
    kept = [one for one in calm if not one.missed]
    return max(kept, key=lambda one: one.rate_per_s, default=calm[0])


def _response_s(level: Stretch) -> float:
    """Mean time that an arrival is in the system: its requests one after the other."""
    per_arrival = level.requests_per_s / level.finished_per_s if level.finished_per_s else 1.0
    return level.response.mean_us / 1e6 * per_arrival
