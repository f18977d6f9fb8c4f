"""The load's own figures as series that rules can ask for: requests, failures, response times."""

from __future__ import annotations

import numpy as np

from analysis.alerts.series import LOOKBACK_STEPS, StoredSeries
from analysis.alerts.vector import NAME, labels_of
from results import Interval, bucket_mid_us

BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.25, 0.3, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_EDGES = np.searchsorted(bucket_mid_us, [bound * 1e6 for bound in BOUNDS_S], side="right")


class LoadSeries:
    """Fed with intervals in order of time; a request counts in the second in which it was due.

    `load_requests_total`, `load_failed_total` and the histogram `load_response_seconds`, by endpoint and
    kind.
    """

    def __init__(self) -> None:
        self._sums: dict[tuple[str, str], dict[tuple[int, int], np.ndarray]] = {}

    def add(self, interval: Interval) -> None:
        """Count an interval; requests outside arrivals are left out."""
        if interval.endpoint.setup:
            return
        below = np.concatenate([[0], np.cumsum(interval.response.counts)])
        seconds = float(interval.response.counts @ bucket_mid_us) / 1e6
        row = np.array([interval.count, interval.failed, seconds, *below[_EDGES]], dtype=np.float64)
        by_span = self._sums.setdefault((interval.endpoint.name, interval.endpoint.kind), {})
        span = (interval.second + 1, interval.second + interval.span_s + 1)
        by_span[span] = by_span[span] + row if span in by_span else row

    def series(self, duration_s: float) -> list[StoredSeries]:
        """Counters as they stood at the end of each second, from 0 before the first request on.

        Within a folded piece they grow evenly.
        """
        found = []
        for (endpoint, kind), by_span in self._sums.items():
            at_s = np.arange(
                0, max(int(np.ceil(duration_s)) + 1, *(past for _, past in by_span)), dtype=np.float64
            )
            rows = np.zeros((at_s.size, len(BOUNDS_S) + 3))
            for (first, past), row in by_span.items():
                rows[first:past] += row / (past - first)
            counts = np.cumsum(rows, axis=0)
            common = [("endpoint", endpoint), ("kind", kind)]
            histogram = "load_response_seconds"
            columns = [
                ("load_requests_total", "", 0),
                ("load_failed_total", "", 1),
                (f"{histogram}_count", "", 0),
                (f"{histogram}_sum", "", 2),
                (f"{histogram}_bucket", "+Inf", 0),
                *((f"{histogram}_bucket", f"{bound:g}", n + 3) for n, bound in enumerate(BOUNDS_S)),
            ]
            found += [
                StoredSeries(
                    labels_of([(NAME, name), ("le", le), *common]), at_s, counts[:, n], LOOKBACK_STEPS
                )
                for name, le, n in columns
            ]
        return found
