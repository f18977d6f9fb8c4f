"""How a run went over time: its requests by window, with latencies, failures and where the time went."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.breakdown import taken_apart
from analysis.windows import window_s
from results import BUCKETS, Flow, Histogram, Interval, bucket_mid_us

Floats = npt.NDArray[np.float64]

MOST_WINDOWS = 240
"""More would not be seen on a page, and a day's run has to fit in memory: 240 windows are 16 MB."""


class Timeline:
    """Requests by window of equal length, fed with intervals in any order.

    Setup requests are left out, and so is what arrivals asked for after the end of load, in the grace time.
    All arrays have shape (windows,), `counts` (windows, BUCKETS). Windows without requests hold nan in
    latencies and ratios: no latency is not a latency of zero.
    """

    def __init__(self, duration_s: float, most_windows: int = MOST_WINDOWS) -> None:
        self.width_s, self.from_s, self.to_s = _windows(duration_s, most_windows)
        size = self.from_s.size
        self.counts = np.zeros((size, BUCKETS), dtype=np.int64)
        self.failed: Floats = np.zeros(size)
        self._service = np.zeros((size, BUCKETS), dtype=np.int64)
        self.parts_us: dict[str, Floats] = {}

    def add(self, interval: Interval) -> None:
        """Count an interval in the window of its second."""
        if interval.endpoint.setup or interval.second >= self.to_s[-1]:
            return
        place = interval.second // self.width_s
        self.counts[place] += interval.response.counts
        self.failed[place] += interval.failed
        self._service[place] += interval.service.counts
        for name, part in interval.parts.items():
            self.parts_us.setdefault(name, np.zeros(self.from_s.size))[place] += part.sum_us

    @property
    def mid_s(self) -> Floats:
        """The windows' middles."""
        return (self.from_s + self.to_s) / 2

    @property
    def requests(self) -> Floats:
        """Requests by window."""
        return np.asarray(self.counts.sum(axis=1), dtype=np.float64)

    @property
    def rate_per_s(self) -> Floats:
        """Requests per second by window."""
        return self.requests / np.maximum(self.to_s - self.from_s, 1e-9)

    def quantile_us(self, q: float) -> Floats:
        """A quantile of the response time by window; nan where there were no requests."""
        return np.array([Histogram(row).quantile_us(q) for row in self.counts])

    def mean_parts_ms(self) -> dict[str, Floats]:
        """Mean milliseconds per request by reported part (see analysis.breakdown), by window."""
        requests = self.requests
        told = {name: _ratio(total, requests) / 1e3 for name, total in self.parts_us.items()}
        return taken_apart(told, _ratio(self._service @ bucket_mid_us, requests) / 1e3)


@dataclass(frozen=True)
class HeatMap:
    """Requests by window and latency band: `share` has shape (bands, windows), of the fullest cell.

    `edges_us` has shape (bands + 1,); bands are equally high on a logarithmic scale.
    """

    edges_us: Floats
    share: Floats


def heat_map(timeline: Timeline, bands_per_octave: int = 6, window_step: int = 1) -> HeatMap:
    """The windows' histograms in coarse bands, between the least and the greatest latency seen."""
    used = np.flatnonzero(timeline.counts.any(axis=0))
    if used.size == 0:
        return HeatMap(np.array([1e3, 1e4]), np.zeros((1, timeline.from_s.size)))
    low, high = np.log2(np.maximum(bucket_mid_us[used[[0, -1]]], 1.0))
    first, last = np.floor(low * bands_per_octave), np.floor(high * bands_per_octave) + 1
    band = np.floor(np.log2(np.maximum(bucket_mid_us[used], 1.0)) * bands_per_octave) - first
    bands = int(last - first)
    cells = np.zeros((bands, timeline.from_s.size))
    np.add.at(cells, band.astype(np.int64), timeline.counts[:, used].T)
    if window_step > 1:
        starts = np.arange(0, cells.shape[1], window_step)
        cells = np.add.reduceat(cells, starts, axis=1)
    edges = 2.0 ** (np.arange(first, last + 1) / bands_per_octave)
    return HeatMap(edges, cells / max(cells.max(), 1.0))


@dataclass(frozen=True)
class FlowLine:
    """What became of arrivals over time, over all generators; arrays have shape (windows,)."""

    from_s: Floats
    to_s: Floats
    scheduled_per_s: Floats
    ended_per_s: Floats
    """Failed ones included."""
    in_flight: Floats
    backlog: Floats
    generators: list[str]


def flow_line(flows: list[Flow], duration_s: float, most_windows: int = MOST_WINDOWS) -> FlowLine:
    """Arrivals by window. Counts are summed over generators; gauges are summed, then the window's maximum.

    What generators told after the end of load, while they waited for what was under way, is left out.
    """
    width_s, from_s, to_s = _windows(duration_s, most_windows)
    counts = np.zeros((2, from_s.size))
    gauges = np.zeros((2, from_s.size * width_s))
    for flow in flows:
        if flow.second < to_s[-1]:
            counts[:, flow.second // width_s] += (flow.scheduled, flow.finished + flow.failed)
            gauges[:, flow.second] += (flow.in_flight, flow.backlog)
    scheduled_per_s, ended_per_s = counts / (to_s - from_s)
    in_flight, backlog = gauges.reshape(2, -1, width_s).max(axis=2)
    names = sorted({flow.generator for flow in flows})
    return FlowLine(from_s, to_s, scheduled_per_s, ended_per_s, in_flight, backlog, names)


def _windows(duration_s: float, most: int) -> tuple[int, Floats, Floats]:
    """Equal windows of whole seconds: their length, where each begins and ends; the last may be cut."""
    seconds = max(int(np.ceil(duration_s)), 1)
    width_s = window_s(seconds, most)
    from_s = np.arange(0, seconds, width_s, dtype=np.float64)
    return width_s, from_s, np.minimum(from_s + width_s, max(duration_s, 1e-9))


def _ratio(part: npt.ArrayLike, whole: npt.ArrayLike) -> Floats:
    """part / whole, nan where whole is 0."""
    below = np.asarray(whole, dtype=np.float64)
    result = np.asarray(part, dtype=np.float64) / np.where(below == 0, np.nan, below)
    return np.asarray(result, dtype=np.float64)
