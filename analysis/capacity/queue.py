"""What theory expects of a queue at its limit: for how long it remembers."""

from __future__ import annotations

import math

from analysis.slo import allowed
from results import Slo


def memory_s(rate_per_s: float, slo: Slo) -> float:
    """How long 'the response takes longer than L' persists in a queue with a share p of responses beyond L.

    The integral of that indicator's autocorrelation over all lags. Times the requests per second it is
    their variance / mean of counts over a long time: how many slow requests come together.

    The waiting time of a busy queue moves like reflected Brownian motion of variance s^2 = (1 + c^2) / rate
    per second, c^2 being the service times' squared coefficient of variation, for any number of slots
    (Kingman 1961, Koellerstroem 1974); its tail is exponential. For such a diffusion (Whitt 1992, Asymptotic
    Formulas for Markov Processes) the integral is 8 (1 - p + p ln p) L^2 / (s^2 ln(p)^2), but for a factor
    1 - p. Exponential service is assumed, c^2 = 1; fixed service remembers up to twice as long. Limits that
    are mostly service time are forgotten sooner than this.
    """
    p = min(allowed(slo), 0.99)
    return 4 * (1 - p + p * math.log(p)) * rate_per_s * (slo.limit / 1e6 / math.log(p)) ** 2
