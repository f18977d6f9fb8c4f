"""A c-slot server in virtual time: first come first served, known service times, no clock, no threads.

It answers the same questions as a real system under an open load, thousands of times faster, and the
truth about it is known from a formula (tests/truth/formulas.py). State is kept from one call to the
next, so a level that follows an overload finds the backlog that the overload left.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from analysis.capacity import Window
from analysis.slo import Count
from results import Slo

Floats = npt.NDArray[np.float64]
ServiceKind = Literal["fixed", "exponential", "lognormal"]


@dataclass(frozen=True)
class Noise:
    """What disturbs a real system's speed from one trial to the next, as standard deviations of ln(speed).

    `per_trial` is drawn anew by `new_trial`. `drift` is an autoregressive disturbance with a memory of
    `drift_memory_s`, there all the time: a noisy neighbour, a clock that changes its frequency.
    """

    per_trial: float = 0.0
    drift: float = 0.0
    drift_memory_s: float = 30.0


@dataclass(frozen=True)
class Served:
    """Arrivals in order: when each was due and how long it took, both in seconds, shape (n,)."""

    arrival_s: Floats
    response_s: Floats


class SimulatedServer:
    """c slots, one queue. Time is virtual and moves only by `serve`."""

    def __init__(
        self,
        slots: int,
        service_s: float,
        kind: ServiceKind = "exponential",
        noise: Noise = Noise(),
        seed: int | np.random.Generator = 0,
        spread: float = 0.5,
    ) -> None:
        """`service_s` is the mean service time; `spread` the sigma of ln(service time) if lognormal."""
        self.slots = slots
        self.service_s = service_s
        self.kind = kind
        self.noise = noise
        self.spread = spread
        self.now_s = 0.0
        self._random = np.random.default_rng(seed)
        self._free = [0.0] * slots
        self._trial = 0.0
        self._drift = self._random.normal(0, noise.drift) if noise.drift else 0.0
        self._unfinished = np.empty(0)
        self.new_trial()

    def new_trial(self) -> None:
        """Draw the disturbance of another trial."""
        if self.noise.per_trial:
            self._trial = float(self._random.normal(0, self.noise.per_trial))

    def stall(self, seconds: float) -> None:
        """Nothing is served for so long from now on, as when something else takes the machine."""
        self._free = [max(free, self.now_s) + seconds for free in self._free]

    def reset(self) -> None:
        """Empty the server, as if it had been idle for long."""
        self._free = [self.now_s] * self.slots
        self._unfinished = np.empty(0)

    def serve(self, rate_per_s: float, for_s: float) -> Served:
        """Poisson arrivals at a rate for a while, beginning now."""
        due = self._random.poisson(rate_per_s * for_s)
        arrivals = np.sort(self._random.uniform(self.now_s, self.now_s + for_s, due))
        self.now_s += for_s
        return Served(arrivals, self._responses(arrivals, for_s))

    def window(self, rate_per_s: float, slos: list[Slo]) -> Window:
        """One second of load as the capacity search sees it. No request of this server ever fails."""
        served = self.serve(rate_per_s, 1.0)
        ends = np.concatenate((self._unfinished, served.arrival_s + served.response_s))
        self._unfinished = ends[ends > self.now_s]
        n = served.arrival_s.size
        counts = [Count(n, _over(slo, served.response_s)) for slo in slos]
        return Window(
            scheduled=n,
            finished=int(ends.size - self._unfinished.size),
            in_flight=int(self._unfinished.size),
            mean_response_us=float(served.response_s.mean() * 1e6) if n else float("nan"),
            counts=tuple(counts),
        )

    def _responses(self, arrivals: Floats, for_s: float) -> Floats:
        services = self._services(arrivals.size) * np.exp(-self._trial - self._step_drift(for_s))
        free, responses = self._free, []
        for arrival, service in zip(arrivals.tolist(), services.tolist(), strict=True):
            first = free[0]
            end = (arrival if arrival > first else first) + service
            heapq.heapreplace(free, end)
            responses.append(end - arrival)
        return np.array(responses)

    def _services(self, n: int) -> Floats:
        if self.kind == "fixed":
            return np.full(n, self.service_s)
        if self.kind == "exponential":
            return self._random.exponential(self.service_s, n)
        middle = np.log(self.service_s) - self.spread**2 / 2
        return self._random.lognormal(middle, self.spread, n)

    def _step_drift(self, for_s: float) -> float:
        if self.noise.drift:
            kept = np.exp(-for_s / self.noise.drift_memory_s)
            shock = self._random.normal(0, self.noise.drift * np.sqrt(1 - kept**2))
            self._drift = float(kept * self._drift + shock)
        return self._drift


def _over(slo: Slo, response_s: Floats) -> int:
    return int((response_s > slo.limit / 1e6).sum()) if slo.metric == "latency" else 0
