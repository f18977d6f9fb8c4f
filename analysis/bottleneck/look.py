"""What rules look at: one level, the level it is compared with, and small questions to both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.bottleneck.resources import Use, uses
from analysis.bottleneck.stretch import Stretch
from results import Digest

Floats = npt.NDArray[np.float64]


@dataclass
class Look:
    """`at` is the level judged, `calm` the one it is compared with (the same if there is no other)."""

    at: Stretch
    calm: Stretch
    digests: Sequence[Digest]
    processes: dict[str, float]
    """CPU cores by process at `at`, `tier/instance`; the generators included."""
    levels: Sequence[Stretch] = ()
    """All levels, in order of rate."""
    arrivals: float = 0.0
    """Arrivals that ended in the time that the digests cover."""

    def __post_init__(self) -> None:
        self.uses = {(use.tier, use.resource): use for use in uses(self.at)}
        self.calm_uses = {(use.tier, use.resource): use for use in uses(self.calm)}

    def use(self, tier: str, resource: str) -> Use | None:
        """A resource at the level judged."""
        return self.uses.get((tier, resource))

    def full_from(self, tier: str, resource: str, full: float = 0.9) -> str:
        """The lowest level at which a resource is full, in words; the level judged if there is none lower."""
        for level in self.levels:
            if level.rate_per_s >= self.at.rate_per_s:
                break
            found = next((one for one in uses(level) if (one.tier, one.resource) == (tier, resource)), None)
            if found is not None and (found.utilisation or 0.0) >= full:
                return f"from {level.name}"
        return f"at {self.at.name}"

    def share(self, component: str) -> float | None:
        """How much of the added latency a component makes up; of all latency if there is nothing to compare.

        None where answers are not slower than at the calm level.
        """
        now, before = self.at.components_ms, self.calm.components_ms
        if self.at is self.calm:
            total = sum(now.values())
            return now.get(component, 0.0) / total if total > 0 else None
        added = {name: now.get(name, 0.0) - before.get(name, 0.0) for name in now}
        total = sum(value for value in added.values() if value > 0)
        if total < 0.1 * max(sum(before.values()), 0.1):
            return None
        return max(added.get(component, 0.0), 0.0) / total

    def longest_ms(self, part: str) -> float:
        """The longest that any request at the level judged spent in a part that the system reports."""
        found = [piece.parts[part].max_us for piece in self.at.intervals if part in piece.parts]
        return max(found, default=0.0) / 1e3

    def component_ms(self, component: str) -> float:
        """Mean ms of a request spent in a component at the level judged."""
        return self.at.components_ms.get(component, 0.0)

    def often(self, tier: str, metric: str, when: Callable[[Floats], npt.NDArray[np.bool_]]) -> float:
        """The share of samples of a metric for which something holds; 0 where it was not watched."""
        values = [self.at.samples.within(one) for one in self.at.samples.all(tier, metric)]
        known = np.concatenate(values) if values else np.empty(0)
        known = known[np.isfinite(known)]
        return float(np.mean(when(known))) if known.size else 0.0

    def per_s(self, tier: str, metric: str, instance: str | None = None) -> float:
        """A counter's growth per second over the level; 0 where it was not watched."""
        return (self.at.samples.increase(tier, metric, instance) or 0.0) / self.at.seconds

    def silent(self, tier: str) -> dict[str, float]:
        """Instances of a tier that did not answer, with the share of the level they were silent for."""
        found: dict[str, float] = {}
        for gap in self.at.gaps:
            if gap.tier == tier:
                overlap = min(gap.to_s, self.at.to_s) - max(gap.from_s, self.at.from_s)
                found[gap.instance] = found.get(gap.instance, 0.0) + max(overlap, 0.0) / self.at.seconds
        return found


def ramp(value: float, low: float, high: float) -> float:
    """0 up to `low`, 1 from `high`, straight in between: how strong an observation is."""
    return float(np.clip((value - low) / (high - low), 0.0, 1.0))
