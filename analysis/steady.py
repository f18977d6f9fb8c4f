"""Is a stretch of time steady? A test that autocorrelation does not fool."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]

TOLERANCE = 0.4
"""The rise of ln(response time) over a stretch from which it is not steady: half as much again."""


@dataclass(frozen=True)
class Trend:
    """A straight line through equally spaced values, judged as if neighbours were not independent.

    `rise` is how far the line climbs over the whole stretch, in the values' unit (give logarithms to have it
    relative); `p_value` is two-sided.
    """

    rise: float
    p_value: float

    def matters(self, tolerance: float = TOLERANCE, alpha: float = 0.01) -> bool:
        """Whether the trend is both beyond chance and large enough to mislead."""
        return self.p_value < alpha and abs(self.rise) > tolerance


def autocorrelation(residuals: npt.ArrayLike) -> float:
    """Lag-1 autocorrelation, corrected for the bias of short series (Marriott and Pope 1954), 0 to 0.95."""
    x = np.asarray(residuals, dtype=np.float64)
    power = float(x @ x)
    if x.size < 4 or power <= 0:
        return 0.0
    r = float(x[:-1] @ x[1:]) / power
    return float(np.clip(r + (1 + 4 * r) / x.size, 0.0, 0.95))


def trend(values: npt.ArrayLike) -> Trend:
    """The trend of values taken at equal distances, shape (n,); nan values are left out.

    Least squares with the standard error of an AR(1) series: its variance grows by (1 + r) / (1 - r), and
    the degrees of freedom shrink likewise. Fewer than 5 values show no trend.
    """
    y = np.asarray(values, dtype=np.float64)
    x = np.arange(y.size, dtype=np.float64)[np.isfinite(y)]
    y = y[np.isfinite(y)]
    if y.size < 5 or np.ptp(y) == 0:
        return Trend(0.0, 1.0)
    slope, middle = np.polyfit(x - x.mean(), y, 1)
    residuals = y - middle - slope * (x - x.mean())
    r = autocorrelation(residuals)
    n_effective = y.size * (1 - r) / (1 + r)
    spread = float(residuals @ residuals) / (y.size - 2) * (1 + r) / (1 - r)
    error = np.sqrt(spread / float(((x - x.mean()) ** 2).sum()))
    freedom = max(n_effective - 2, 1.0)
    p_value = 2 * float(stats.t.sf(abs(slope) / error, freedom)) if error > 0 else 0.0
    return Trend(float(slope * (x[-1] - x[0])), p_value)
