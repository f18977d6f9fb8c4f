"""A machine that serves requests in virtual time, with the noise that real machines have.

Four endpoints with lognormal service times, spread round robin over workers with one queue each (as a load
balancer spreads requests over single-threaded instances): departures then follow from a running maximum,
and a run of 8,000 requests takes a millisecond. All noise multiplies service times:

- drift: a first-order autoregression from run to run, as of temperature, caches and neighbours that stay;
- jitter: a first-order autoregression from second to second;
- a noisy neighbour: bursts that come at random and slow everything down while they last.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from analysis.compare.figures import Figures, request_figures
from results import Endpoint, Histogram, Interval
from results.histogram import buckets_of

Floats = npt.NDArray[np.float64]

ENDPOINTS = ("todo.list", "todo.create", "calendar.month", "todo.search")
SHARES = (0.4, 0.3, 0.2, 0.1)
MEDIANS_MS = (4.0, 7.0, 12.0, 20.0)
SPREAD = 0.5


@dataclass(frozen=True)
class Noise:
    """How restless the machine is; standard deviations are of ln(service time)."""

    drift: float = 0.03
    drift_memory: float = 0.9
    jitter: float = 0.02
    jitter_memory: float = 0.7
    bursts_per_s: float = 1 / 120
    burst_s: float = 2.0
    burst_slowdown: float = 1.2


REALISTIC = Noise()
"""Calibrated on the usual rules' error rates: the p99 of one run is more than 10% above that of another run
of the same system in 24% of cases, and in 50% and 77% when service takes 5% and 10% longer."""
CALM = Noise(drift=0.015, jitter=0.01, bursts_per_s=1 / 240)
ROUGH = Noise(drift=0.05, jitter=0.05, bursts_per_s=1 / 30, burst_s=4.0, burst_slowdown=1.3)


@dataclass(frozen=True)
class Ran:
    """One run: response times in us and each one's second and endpoint number, all of shape (n,)."""

    response_us: Floats
    second: npt.NDArray[np.int64]
    endpoint: npt.NDArray[np.int64]

    def figures(self, seconds: int) -> Figures:
        """What the harness makes of it."""
        return request_figures("simulated", self._intervals(seconds), 0, seconds)

    def _intervals(self, seconds: int) -> Iterator[Interval]:
        buckets = buckets_of(self.response_us)
        place = self.second * len(ENDPOINTS) + self.endpoint
        order = np.argsort(place, kind="stable")
        edges = np.searchsorted(place[order], np.arange(seconds * len(ENDPOINTS) + 1))
        for number, (low, high) in enumerate(pairwise(edges)):
            if high > low:
                second, endpoint = divmod(number, len(ENDPOINTS))
                times = Histogram.from_buckets(buckets[order[low:high]])
                yield Interval(second, "g0", Endpoint(ENDPOINTS[endpoint], "trpc"), times, times)


class Machine:
    """Runs one after the other on one restless machine."""

    def __init__(
        self,
        seed: int,
        noise: Noise = REALISTIC,
        rate_per_s: float = 400,
        workers: int = 6,
        seconds: int = 20,
    ) -> None:
        self.noise, self.workers, self.seconds = noise, workers, seconds
        self._random = np.random.default_rng([seed, 1])
        load = np.random.default_rng([seed, 2])
        self._total_s = seconds + 3  # three seconds of warm-up, which no figure includes
        count = load.poisson(rate_per_s * self._total_s)
        self._due_s: Floats = np.sort(load.random(count)) * self._total_s
        self._endpoint = load.choice(len(SHARES), count, p=SHARES)
        self._drift = self._random.normal(0, noise.drift)

    def run(self, factor: float = 1.0, one_endpoint: int | None = None) -> Ran:
        """One run with service times x `factor`, of one endpoint if given; arrivals are always the same."""
        return self._serve_all(self._log_speed(), factor, one_endpoint)

    def run_both(self, factor: float = 1.0) -> tuple[Ran, Ran]:
        """Two runs at the same time, which share the noise of each second; the second x `factor`."""
        log_speed = self._log_speed()
        return self._serve_all(log_speed), self._serve_all(log_speed, factor)

    def _log_speed(self) -> Floats:
        """ln(service time) of each second of the next run."""
        noise, random = self.noise, self._random
        fresh = np.sqrt(1 - noise.drift_memory**2)
        self._drift = noise.drift_memory * self._drift + fresh * random.normal(0, noise.drift)
        return self._drift + self._seconds_noise()

    def _serve_all(self, log_speed: Floats, factor: float = 1.0, one_endpoint: int | None = None) -> Ran:
        random, due = self._random, self._due_s
        work_ms = np.asarray(MEDIANS_MS)[self._endpoint] * np.exp(
            random.normal(0, SPREAD, due.size) + log_speed[due.astype(np.int64)]
        )
        hit = slice(None) if one_endpoint is None else self._endpoint == one_endpoint
        work_ms[hit] *= factor
        took = _serve(due, work_ms / 1e3, self.workers)
        kept = due >= self._total_s - self.seconds
        second = (due[kept] - (self._total_s - self.seconds)).astype(np.int64)
        return Ran(took[kept] * 1e6, second, self._endpoint[kept])

    def _seconds_noise(self) -> Floats:
        noise, random = self.noise, self._random
        shocks = random.normal(0, noise.jitter, self._total_s)
        shocks[1:] *= np.sqrt(1 - noise.jitter_memory**2)
        level = np.empty(self._total_s)
        level[0] = shocks[0]
        for second in range(1, self._total_s):
            level[second] = noise.jitter_memory * level[second - 1] + shocks[second]
        for _ in range(random.poisson(noise.bursts_per_s * self._total_s)):
            begin = random.random() * self._total_s
            end = begin + random.exponential(noise.burst_s)
            level[int(begin) : int(end) + 1] += np.log(noise.burst_slowdown)
        return level


def _serve(due_s: Floats, work_s: Floats, workers: int) -> Floats:
    """Response times of first-come-first-served queues fed in turn (Lindley's recursion, vectorised)."""
    took = np.empty(due_s.size)
    for worker in range(workers):
        mine = slice(worker, None, workers)
        worked = np.cumsum(work_s[mine])
        done = worked + np.maximum.accumulate(due_s[mine] - (worked - work_s[mine]))
        took[mine] = done - due_s[mine]
    return took
