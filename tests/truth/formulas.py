"""Exact response-time distributions of servers with c slots, and the highest rate within an SLO."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import gammaln

Floats = npt.NDArray[np.float64]


def erlang_c(load: float, slots: int) -> float:
    """The share of arrivals that have to wait in M/M/c; `load` = rate x mean service time < slots."""
    term, total = 1.0, 1.0
    for k in range(1, slots):
        term *= load / k
        total += term
    last = term * load / slots * slots / (slots - load)
    return last / (total + last)


def mmc_tail(rate_per_s: float, slots: int, service_s: float, time_s: float) -> float:
    """P(response > time) in M/M/c, exact (Kleinrock, Queueing Systems I, 1975)."""
    mu = 1 / service_s
    spare = slots * mu - rate_per_s
    waits = erlang_c(rate_per_s * service_s, slots)
    alone = math.exp(-mu * time_s)
    if math.isclose(spare, mu, rel_tol=1e-9):
        return alone * (1 + waits * mu * time_s)
    return alone + waits * mu / (spare - mu) * (alone - math.exp(-spare * time_s))


def mdc_tail(rate_per_s: float, slots: int, service_s: float, time_s: float) -> float:
    """P(response > time) in M/D/c: Crommelin's state probabilities, Franx's waiting time (2001).

    P(W <= x) = sum_{j=0}^{kc-1} Q(kc-1-j) y^j e^-y / j! with y = rate (kD - x), k = floor(x/D) + 1, where
    Q(m) is the probability that at most m customers wait.
    """
    wait_s = time_s - service_s
    if wait_s < 0:
        return 1.0
    blocks = int(wait_s // service_s) + 1
    y = rate_per_s * (blocks * service_s - wait_s)
    j = np.arange(blocks * slots)
    poisson = np.exp(j * math.log(max(y, 1e-300)) - y - gammaln(j + 1))
    at_most_waiting = np.cumsum(_mdc_states(rate_per_s * service_s, slots, slots + blocks * slots + 1))[
        slots:
    ]
    return float(1 - at_most_waiting[blocks * slots - 1 - j] @ poisson)


def _mdc_states(load: float, slots: int, size: int) -> Floats:
    """P(n customers) for n < size: stationary under x(t + D) = max(x(t) - c, 0) + Poisson(load)."""
    # Long enough for the tail, which decays like exp(-2 (1 - rho) n) at high utilisation.
    n = max(size, slots + int(15 / (1 - load / slots)))
    ks = np.arange(n)
    arrivals = np.exp(ks * math.log(load) - load - gammaln(ks + 1))
    step = np.zeros((n, n))
    for state in range(n):
        left = max(state - slots, 0)
        step[state, left:] = arrivals[: n - left]
    step[:, -1] += 1 - step.sum(axis=1)  # what lies beyond the cut stays at its edge
    balance = step.T - np.eye(n)
    balance[-1] = 1.0
    right = np.zeros(n)
    right[-1] = 1.0
    return np.asarray(np.linalg.solve(balance, right))[:size]


def capacity_per_s(kind: str, slots: int, service_s: float, limit_s: float, quantile: float = 0.99) -> float:
    """The highest rate at which the quantile of the response time stays within a limit."""
    tail = {"exponential": mmc_tail, "fixed": mdc_tail}[kind]
    top = slots / service_s

    def excess(rate_per_s: float) -> float:
        return tail(rate_per_s, slots, service_s, limit_s) - (1 - quantile)

    spare = 0.5  # the search comes from below: exact M/D/c needs a matrix that grows with 1 / spare
    while excess(top * (1 - spare)) < 0:
        spare /= 2
    return float(brentq(excess, top * (1 - min(4 * spare, 0.98)), top * (1 - spare), xtol=top * 1e-6))
