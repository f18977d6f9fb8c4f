"""The figures of one run that comparisons are made of, and what is known of each kind of figure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from analysis.breakdown import OTHER, OUTSIDE, taken_apart
from analysis.caches import cache_levels
from analysis.compare.facts import Costs, costs_below
from analysis.samples import Samples
from results import Histogram, Interval, Part, Run, bucket_mid_us

Floats = npt.NDArray[np.float64]
Key = tuple[str, str]
"""(endpoint, metric)"""

OVERALL = "all"
"""Stands for all endpoints together where an endpoint's name is asked for."""
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
LEAST_BLOCKS = 8
LEAST_PER_BLOCK = 5

_LOG_MID = np.log(np.maximum(bucket_mid_us, 0.5))
_NOT_SERVING = ("host", "generator")


@dataclass(frozen=True)
class Metric:
    """A kind of figure: how two of them are compared, and how much worse is too much.

    `ratio` compares ln(candidate / baseline); `difference` compares shares, which may be 0. `worse` is +1
    where more is worse. A change up to `tolerance` is allowed; one of `margin` or more has to be excluded
    before "not worse" is said. Both are changes for the worse, as a share (of the baseline, or of one).
    """

    name: str
    label: str
    scale: Literal["ratio", "difference"]
    worse: Literal[1, -1]
    tolerance: float
    margin: float
    unit: Literal["us", "share", "per_s", "s", "count"]


_METRICS = {
    "typical": Metric("typical", "typical response time", "ratio", 1, 0.02, 0.10, "us"),
    "p50": Metric("p50", "p50", "ratio", 1, 0.02, 0.15, "us"),
    "p95": Metric("p95", "p95", "ratio", 1, 0.05, 0.25, "us"),
    "p99": Metric("p99", "p99", "ratio", 1, 0.05, 0.35, "us"),
    "errors": Metric("errors", "error ratio", "difference", 1, 0.001, 0.01, "share"),
    "rate": Metric("rate", "achieved rate", "ratio", -1, 0.01, 0.05, "per_s"),
    "db_calls": Metric("db_calls", "database calls per request", "ratio", 1, 0.02, 0.15, "count"),
    "db_rows": Metric("db_rows", "rows read per request", "ratio", 1, 0.10, 0.50, "count"),
}
_CPU = Metric("cpu", "CPU per request", "ratio", 1, 0.03, 0.15, "s")
_HITS = Metric("hits", "hit ratio", "difference", -1, 0.02, 0.10, "share")


def metric_of(name: str) -> Metric:
    """The metric with a name: `p99`, `errors`, `cpu.api`, `hits.edge` ... Raises KeyError."""
    kind, dot, of = name.partition(".")
    if dot and kind == "cpu":
        return replace(_CPU, name=name, label=f"CPU per request, {of}")
    if dot and kind == "hits":
        return replace(_HITS, name=name, label=f"hit ratio, {of}")
    return _METRICS[name]


@dataclass(frozen=True)
class Figures:
    """What one run showed on its steady part, setup requests left out.

    `values` by (endpoint, metric): latencies in us, shares 0 to 1, CPU in seconds a request. A figure that
    could not be had is not in it. The rest is what causes are looked for in.
    """

    run_id: str
    values: dict[Key, float]
    requests: dict[str, int]
    """By endpoint."""
    parts_ms: dict[str, dict[str, float]] = field(default_factory=dict)
    """Mean milliseconds a request by endpoint and part, as `taken_apart` names them; they add up."""
    below: Costs = field(default_factory=Costs)
    knobs: dict[str, object] = field(default_factory=dict)


class _Seconds:
    """One endpoint's responses: the whole histogram, and the mean of ln(response) by second."""

    def __init__(self, size: int) -> None:
        self.whole = Histogram()
        self.n: Floats = np.zeros(size)
        self.log_sum: Floats = np.zeros(size)
        self.failed = 0
        self.service_us = 0.0
        self.parts: dict[str, Part] = {}

    def add(self, second: int, interval: Interval) -> None:
        counts = interval.response.counts
        used = np.flatnonzero(counts)
        few = counts[used]
        self.whole.counts[used] += few
        within = slice(second, min(second + interval.span_s, self.n.size))
        seconds = within.stop - within.start
        self.n[within] += few.sum() / seconds
        self.log_sum[within] += few @ _LOG_MID[used] / seconds
        self.failed += interval.failed
        served = np.flatnonzero(interval.service.counts)
        self.service_us += float(interval.service.counts[served] @ bucket_mid_us[served])
        for name, part in interval.parts.items():
            self.parts[name] = self.parts[name] + part if name in self.parts else part

    def __iadd__(self, other: _Seconds) -> _Seconds:
        self.whole += other.whole
        self.n += other.n
        self.log_sum += other.log_sum
        self.failed += other.failed
        return self

    def values(self, endpoint: str, span_s: float) -> dict[Key, float]:
        count = self.whole.count
        if count == 0:
            return {}
        q = self.whole.quantiles_us(list(QUANTILES.values()))
        named = dict(zip(QUANTILES, q.tolist(), strict=True))
        named |= {"typical": typical_us(self.n, self.log_sum), "errors": self.failed / count}
        named["rate"] = (count - self.failed) / span_s
        return {(endpoint, name): float(value) for name, value in named.items()}

    def parts_ms(self) -> dict[str, float]:
        """Mean milliseconds a request by part; `other` has the requests that told no parts, too."""
        count = self.whole.count
        means = {name: np.array([part.sum_us / count / 1e3]) for name, part in self.parts.items()}
        shown = {
            name: float(ms[0])
            for name, ms in taken_apart(means, np.array([self.service_us / count / 1e3])).items()
        }
        if OUTSIDE in shown and max(part.n for part in self.parts.values()) < count:
            shown[OTHER] = shown.pop(OUTSIDE)
        return shown


def typical_us(n: Floats, log_sum: Floats) -> float:
    """The typical response time in us: each second's geometric mean, averaged over the middle half of them.

    `n` requests and the sum of ln(response in us) by second, shape (seconds,). A few seconds that a noisy
    neighbour or a pause made slow do not move it, which makes it twice as steady from run to run as p99;
    what happens in them is for p95 and p99 to tell. Seconds are joined until at least 5 requests stand for
    each, but not to fewer than 8 blocks.
    """
    wanted = int(np.ceil(LEAST_PER_BLOCK * n.size / max(n.sum(), 1.0)))
    width = int(np.clip(wanted, 1, max(n.size // LEAST_BLOCKS, 1)))
    starts = np.arange(0, n.size, width)
    counts, sums = np.add.reduceat(n, starts), np.add.reduceat(log_sum, starts)
    means = np.sort(sums[counts > 0] / counts[counts > 0])
    cut = means.size // 4
    return float(np.exp(means[cut : means.size - cut].mean()))


def request_figures(run_id: str, intervals: Iterable[Interval], from_s: float, to_s: float) -> Figures:
    """What the requests alone show, from the intervals between two seconds of a run."""
    size = max(int(np.ceil(to_s - from_s)), 1)
    seconds: dict[str, _Seconds] = {}
    for interval in intervals:
        place = interval.second - int(from_s)
        if not interval.endpoint.setup and 0 <= place < size:
            name = interval.endpoint.name
            if name not in seconds:
                seconds[name] = _Seconds(size)
            seconds[name].add(place, interval)
    whole = _Seconds(size)
    values: dict[Key, float] = {}
    for name, one in seconds.items():
        values |= one.values(name, to_s - from_s)
        whole += one
    values |= whole.values(OVERALL, to_s - from_s)
    requests = {name: one.whole.count for name, one in [*seconds.items(), (OVERALL, whole)]}
    parts_ms = {name: one.parts_ms() for name, one in seconds.items() if one.parts}
    return Figures(run_id, values, requests, parts_ms)


def figures_of(run: Run) -> Figures:
    """All figures of a stored run's steady part."""
    from_s, to_s = run.warmup_s, run.duration_s
    asked = request_figures(run.id, run.intervals(start_s=from_s, end_s=to_s), from_s, to_s)
    requests = asked.requests[OVERALL]
    samples = Samples(run.series(), from_s, to_s)
    below = costs_below(run, samples, requests)
    # Of the whole run, as the servers count it: far steadier than any time, and the first to miss an index.
    read = {(OVERALL, "db_rows"): sum(one.rows_examined for one in below.digests.values())}
    return replace(
        asked,
        values=asked.values
        | _tier_figures(samples, to_s - from_s, requests)
        | (read if below.digests else {}),
        below=below,
        knobs=dict(run.environment.get("knobs", {})),
    )


def _tier_figures(samples: Samples, span_s: float, requests: int) -> dict[Key, float]:
    """CPU and database calls a request, and hit ratios; only of tiers that were watched."""
    values: dict[Key, float] = {}
    if requests == 0:
        return values
    for tier in samples.tiers:
        cores = [samples.mean(tier, "cpu_ratio", name) for name in samples.instances(tier, "cpu_ratio")]
        if tier not in _NOT_SERVING and cores:
            busy = sum(core for core in cores if core is not None)
            values[OVERALL, f"cpu.{tier}"] = busy * span_s / requests
    for level in cache_levels(samples):
        values[OVERALL, f"hits.{level.name}"] = level.hit_ratio
    asked = [samples.increase(tier, "questions") for tier in ("primary", "replica")]
    known = [calls for calls in asked if calls is not None]
    if known:
        values[OVERALL, "db_calls"] = sum(known) / requests
    return values
