"""The Universal Scalability Law (Gunther 1993) fitted to levels, with a band."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import curve_fit

Floats = npt.NDArray[np.float64]

CLAIM_WITHIN = 1.25
"""A peak is claimed only up to this multiple of the tested load: extrapolation misses by 17% and more."""
SHOWN_TO = 1.6
"""The law is shown up to this multiple of the tested load, hatched beyond it."""
FEWEST_LEVELS = 4
DRAWS = 500


@dataclass(frozen=True)
class Usl:
    """X(N) = gamma N / (1 + alpha (N - 1) + beta N (N - 1)).

    N is the load (users, or requests in the system), `alpha` contention (what has to be done one at a
    time), `beta` coherency (what costs more the more are at it). `draws` are likely parameters, shape
    (n, 3), for the band.
    """

    alpha: float
    beta: float
    gamma: float
    r_squared: float
    tested_to: float
    draws: Floats

    def throughput_per_s(self, load: npt.ArrayLike) -> Floats:
        """The fitted line, shape as `load`."""
        return _usl(np.asarray(load, dtype=np.float64), self.alpha, self.beta, self.gamma)

    def band(self, load: npt.ArrayLike, level: float = 0.9) -> tuple[Floats, Floats]:
        """The band that holds the line with a given probability, two arrays of the shape of `load`."""
        n = np.atleast_1d(np.asarray(load, dtype=np.float64))
        lines = np.array([_usl(n, *draw) for draw in self.draws])
        low, high = np.quantile(lines, [(1 - level) / 2, (1 + level) / 2], axis=0)
        return low, high

    @property
    def peak_load(self) -> float:
        """Where the line is highest, sqrt((1 - alpha) / beta), claimed or not; inf without coherency cost."""
        return float(np.sqrt((1 - self.alpha) / self.beta)) if self.beta > 1e-12 else float("inf")

    @property
    def peak(self) -> tuple[float, float] | None:
        """Load and throughput at the peak; None where it lies too far beyond what was tested."""
        if self.peak_load > CLAIM_WITHIN * self.tested_to:
            return None
        return self.peak_load, float(self.throughput_per_s(self.peak_load))

    @property
    def sentence(self) -> str:
        """What the fit says, in words."""
        if self.peak is not None:
            return f"Throughput peaks at about {self.peak[1]:.0f}/s with {self.peak[0]:.0f} requests at once."
        return (
            f"Within the tested load (up to {self.tested_to:.0f} at once) throughput still rises; "
            "where it would peak cannot be told."
        )


def fit_usl(load: npt.ArrayLike, throughput_per_s: npt.ArrayLike, seed: int = 0) -> Usl | None:
    """The law fitted to levels, both of shape (n,); None with fewer than 4 distinct loads.

    Least squares within bounds from alpha 0.01, beta 1e-4, gamma max(X / N). The band draws parameters from
    their covariance, wider by Student's t for few levels.
    """
    n = np.asarray(load, dtype=np.float64)
    x = np.asarray(throughput_per_s, dtype=np.float64)
    good = np.isfinite(n) & np.isfinite(x) & (n > 0) & (x > 0)
    n, x = n[good], x[good]
    if np.unique(n).size < FEWEST_LEVELS:
        return None
    top = float((x / n).max())
    try:
        best, covariance = curve_fit(
            _usl, n, x, p0=(0.01, 1e-4, top), bounds=([0, 0, 0], [1, 1, 100 * top]), max_nfev=5000
        )
    except RuntimeError:
        return None
    line = _usl(n, *best)
    total = float(((x - x.mean()) ** 2).sum())
    r_squared = 1 - float(((x - line) ** 2).sum()) / total if total else 1.0
    draws = _draws(best, covariance, n.size - 3, seed)
    alpha, beta, gamma = (float(value) for value in best)
    return Usl(alpha, beta, gamma, r_squared, float(n.max()), draws)


def _draws(best: Floats, covariance: Floats, freedom: int, seed: int) -> Floats:
    if not np.isfinite(covariance).all():
        return best[None, :]
    random = np.random.default_rng(seed)
    normal = random.multivariate_normal(np.zeros(3), covariance, DRAWS, method="svd")
    wider = np.sqrt(freedom / random.chisquare(freedom, DRAWS))
    return np.asarray(np.clip(best + normal * wider[:, None], 0, [1, 1, np.inf]))


def _usl(load: Floats, alpha: float, beta: float, gamma: float) -> Floats:
    # Below one in the system the denominator can be zero, where nothing is to be told.
    slower = np.maximum(1 + alpha * (load - 1) + beta * load * (load - 1), 1e-9)
    return np.asarray(gamma * load / slower)
