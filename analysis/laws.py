"""The laws of operational analysis (Denning and Buzen 1978) and exactly solved closed networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LITTLE_TOLERANCE = 0.05
EXPLAINED = 0.6
"""Of the tightest bound: a limit that lies further below it has a reason that demands do not tell."""


def demand_s(utilisation: float, servers: float, throughput_per_s: float) -> float:
    """Seconds of a resource that one request takes, D = U m / X (utilisation law); nan without requests."""
    return utilisation * servers / throughput_per_s if throughput_per_s > 0 else float("nan")


@dataclass(frozen=True)
class LittleCheck:
    """Little's law N = X R at one level: what is counted in the system against rate x response time.

    A difference beyond 5% means that requests are missing from one of the figures, or that the level was
    not steady.
    """

    in_system: float
    rate_per_s: float
    response_s: float
    noise: float = 0.5
    """How far the count may be off by chance."""
    at_most: bool = False
    """Whether `response_s` is no more than a bound, as where requests may go at the same time."""

    @property
    def expected(self) -> float:
        """Requests in the system by the law."""
        return self.rate_per_s * self.response_s

    @property
    def miss(self) -> float:
        """How far the count is off, relative to what the law expects; nan without load."""
        return self.in_system / self.expected - 1 if self.expected > 0 else float("nan")

    @property
    def holds(self) -> bool:
        """Within 5%, or within what chance does (half a request where next to nothing is in the system)."""
        over = self.in_system - self.expected
        off = over if self.at_most else abs(over)
        return off <= max(LITTLE_TOLERANCE * self.expected, self.noise, 0.5)


@dataclass(frozen=True)
class Station:
    """A resource of a queueing network: `servers` work at once, each visit set takes `demand_s` in all.

    A delay station (`servers` = 0) lets everyone through at once: think time, a remote call.
    """

    name: str
    demand_s: float
    servers: int = 1


@dataclass(frozen=True)
class Bounds:
    """What throughput cannot exceed, whatever the software does. `limits_per_s` is sorted, tightest first."""

    limits_per_s: tuple[tuple[str, float], ...]
    total_demand_s: float

    @property
    def most_per_s(self) -> float:
        """The tightest station's limit."""
        return self.limits_per_s[0][1] if self.limits_per_s else float("inf")

    def throughput_per_s(self, users: npt.ArrayLike, think_s: float = 0.0) -> Floats:
        """X(N) <= min(1 / max(D_i / m_i), N / (sum D + Z)), shape as `users`."""
        n = np.asarray(users, dtype=np.float64)
        return np.minimum(self.most_per_s, n / max(self.total_demand_s + think_s, 1e-12))


def bounds(stations: Sequence[Station]) -> Bounds:
    """The asymptotic bounds of some stations; delay stations limit nothing."""
    limits = [(s.name, s.servers / s.demand_s) for s in stations if s.servers and s.demand_s > 0]
    return Bounds(tuple(sorted(limits, key=lambda one: one[1])), sum(s.demand_s for s in stations))


@dataclass(frozen=True)
class MeanValues:
    """A closed network solved for 1..N users.

    Rates and responses (s) have shape (N,), queues (N, stations).
    """

    throughput_per_s: Floats
    response_s: Floats
    queue: Floats

    @property
    def users(self) -> Floats:
        """1..N, shape (N,)."""
        return np.arange(1, self.throughput_per_s.size + 1, dtype=np.float64)


def mean_values(stations: Sequence[Station], users: int, think_s: float = 0.0) -> MeanValues:
    """Throughput, response and queues of a closed network, exactly, for 1 to `users` users.

    What mean value analysis (Reiser and Lavenberg 1980) gives, by Buzen's convolution (1973) in logarithms:
    the MVA recursion for stations with several servers subtracts, and loses all digits with many users.
    Assumes one class of requests, exponential service or processor sharing, and demands that do not change
    with load. Raises ValueError without stations or users.
    """
    if not stations or users < 1:
        raise ValueError("mean values need at least one station and one user")
    whole = [*stations, Station("think", think_s, 0)] if think_s > 0 else list(stations)
    factors = [_log_factors(station, users) for station in whole]
    log_g = _convolved(factors)
    rate = np.exp(log_g[:-1] - log_g[1:])
    queue = np.empty((users, len(stations)))
    for k in range(len(stations)):
        others = _convolved(factors[:k] + factors[k + 1 :]) if len(whole) > 1 else _nobody(users)
        for n in range(1, users + 1):
            present = np.exp(factors[k][: n + 1] + others[n::-1] - log_g[n])
            queue[n - 1, k] = float(present @ np.arange(n + 1))
    response = np.arange(1, users + 1) / rate - think_s
    return MeanValues(rate, response, queue)


def _log_factors(station: Station, users: int) -> Floats:
    """ln of D^n / prod min(j, servers) for n = 0..users; a delay station has as many servers as users."""
    n = np.arange(1, users + 1, dtype=np.float64)
    busy = np.minimum(n, station.servers or users)
    return np.concatenate(([0.0], np.cumsum(np.log(station.demand_s) - np.log(busy))))


def _convolved(factors: Sequence[Floats]) -> Floats:
    total = factors[0]
    for factor in factors[1:]:
        total = np.array([np.logaddexp.reduce(total[: n + 1] + factor[n::-1]) for n in range(total.size)])
    return total


def _nobody(users: int) -> Floats:
    """A network without stations holds no user."""
    return np.concatenate(([0.0], np.full(users, -np.inf)))
