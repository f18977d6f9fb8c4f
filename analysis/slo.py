"""Judging objectives on the steady part of a run: measured, with its interval, and whether that is enough."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.validity import FEWEST_BEYOND, Validity
from analysis.windows import window_s
from results import BUCKETS, Histogram, Interval, Run, Slo, bucket_mid_us
from results.units import show_latency, show_ratio

Floats = npt.NDArray[np.float64]
Outcome = Literal["pass", "fail", "inconclusive"]

RESAMPLES = 400
BLOCK_S = 5
"""Seconds (or windows, in a long run) resampled together: neighbouring seconds share a queue."""
MOST_WINDOWS = 720
"""Runs of up to 12 minutes are judged second by second, longer ones by windows of several seconds."""


class Count(NamedTuple):
    """One objective over some requests: of `n`, how many did not keep it.

    `over` is what has to stay within `allowed(slo) * n`: requests slower than the limit or failed; for a
    mean, the sum of the response times in units of the limit.
    """

    n: int
    over: float


def allowed(slo: Slo) -> float:
    """The share of requests that may be over an objective's limit.

    A maximum allows none, which no number of requests can show: one in 100,000 stands for none. A mean is
    a ratio to its limit, so 1.
    """
    if slo.metric == "latency":
        return max(1.0 - slo.quantile, 1e-5)
    return 1.0 if slo.metric == "mean" else max(slo.limit, 1e-5)


def count(slo: Slo, intervals: Iterable[Interval]) -> Count:
    """What an objective counts in some intervals; setup requests and other endpoints are left out.

    A failed request is over a latency limit however fast it failed. Which requests were slow and failed is
    not stored together, so the larger of both is taken: never more than is true.
    """
    response, failed = Histogram(), 0
    for interval in intervals:
        if not interval.endpoint.setup and slo.endpoint in (None, interval.endpoint.name):
            response += interval.response
            failed += interval.failed
    n = response.count
    if slo.metric == "errors" or not n:
        return Count(n, failed)
    if slo.metric == "mean":
        return Count(n, float(response.counts @ bucket_mid_us) / slo.limit)
    return Count(n, max(response.fraction_above(slo.limit) * n, failed))


@dataclass(frozen=True)
class SloResult:
    """One objective on the steady part. `measured`, `low` and `high` are in us, or a ratio for errors.

    `low` to `high` holds 95% (block bootstrap over seconds; nan where there is too little). `margin` is
    what is left of the limit, relative: below 0 it was missed. `doubts` travel with the result.
    """

    slo: Slo
    measured: float
    low: float
    high: float
    n: int
    failed: int
    outcome: Outcome
    doubts: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether it was kept by what was measured."""
        return self.outcome == "pass"

    @property
    def margin(self) -> float:
        """What is left of the limit, relative to it."""
        return 1 - self.measured / self.slo.limit if self.slo.limit else -self.measured


@dataclass(frozen=True)
class Verdict:
    """pass, fail or inconclusive over all objectives, each with its reasons."""

    outcome: Outcome
    reasons: tuple[str, ...]
    results: tuple[SloResult, ...]


def whole_seconds(from_s: float, to_s: float) -> tuple[float, float]:
    """A stretch without the seconds that lie in it only in part, as figures are counted by the second."""
    return float(np.ceil(from_s)), float(np.floor(to_s))


def steady_spans(run: Run) -> list[tuple[float, float]]:
    """The stretches an objective is judged on: held levels after the warm-up, or all after it if none.

    Held levels are of whole seconds.
    """
    end_s = run.duration_s
    holds = run.stages.holds() if run.stages else []
    spans = [whole_seconds(max(from_s, run.warmup_s), min(to_s, end_s)) for from_s, to_s, _ in holds]
    spans = [(from_s, to_s) for from_s, to_s in spans if to_s - from_s >= 1]
    return spans or [(run.warmup_s, end_s)]


def judge_slos(
    run: Run, spans: Sequence[tuple[float, float]] | None = None, slos: Sequence[Slo] | None = None
) -> list[SloResult]:
    """Each objective of a run (or those given) over its steady part (or the stretches given)."""
    asked, over = run.slos if slos is None else slos, steady_spans(run) if spans is None else spans
    judges = SloJudges(asked, over, run.duration_s)
    for from_s, to_s in judges.spans if judges.slos else ():
        for interval in run.intervals(start_s=from_s, end_s=to_s):
            judges.add(interval)
    return judges.results()


class SloJudges:
    """Judges objectives on some stretches of a run that is `run_s` long, fed with its intervals."""

    def __init__(self, slos: Sequence[Slo], spans: Sequence[tuple[float, float]], run_s: float) -> None:
        self.slos, self.spans = list(slos), list(spans)
        length_s = sum(to_s - from_s for from_s, to_s in spans)
        width_s = window_s(length_s, MOST_WINDOWS, run_s)
        self._windows = [_Windows(width_s) for _ in self.slos]

    def add(self, interval: Interval) -> None:
        """Count an interval for every objective that it belongs to; others and setup are left out."""
        if (
            not self.slos
            or interval.endpoint.setup
            or not any(a <= interval.second < b for a, b in self.spans)
        ):
            return
        for slo, windows in zip(self.slos, self._windows, strict=True):
            if slo.endpoint in (None, interval.endpoint.name):
                windows.add(interval)

    def results(self) -> list[SloResult]:
        """Each objective, in the order given."""
        return [windows.judge(slo) for slo, windows in zip(self.slos, self._windows, strict=True)]


def verdict(results: Sequence[SloResult], trust: Validity) -> Verdict:
    """What the run says about its objectives. A run that cannot be trusted can fail, but not pass.

    A miss in an invalid run is inconclusive too, as the generator may have caused it; but a system that does
    not come to rest and misses its objectives has failed.
    """
    doubts = [reason for reason in trust.reasons if reason.code != "not-steady"]
    missed = any(result.outcome == "fail" for result in results)
    if doubts or (trust.reasons and not missed):
        return Verdict("inconclusive", tuple(reason.text for reason in trust.reasons), tuple(results))
    outcomes = [result.outcome for result in results]
    for outcome in ("fail", "inconclusive"):
        if outcome in outcomes:
            found = [r for r in results if r.outcome == outcome]
            return Verdict(outcome, tuple(_said(r) for r in found), tuple(results))
    return Verdict("pass", (), tuple(results))


class _Windows:
    """One objective's requests by window: a second each, longer in a long run, whose seconds fill memory."""

    def __init__(self, width_s: int) -> None:
        self.width_s = width_s
        self.counts: dict[int, Histogram] = {}
        self.failed: dict[int, int] = {}

    def add(self, interval: Interval) -> None:
        window = interval.second // self.width_s
        self.counts.setdefault(window, Histogram()).counts += interval.response.counts
        self.failed[window] = self.failed.get(window, 0) + interval.failed

    def judge(self, slo: Slo) -> SloResult:
        seconds = sorted(self.counts)
        table = np.array([self.counts[s].counts for s in seconds]).reshape(-1, BUCKETS)
        failures = np.array([self.failed[s] for s in seconds], dtype=np.float64)
        n, failed = int(table.sum()), int(failures.sum())
        if not n:
            what = f"no request of {slo.endpoint}" if slo.endpoint else "no request"
            return SloResult(slo, np.nan, np.nan, np.nan, 0, 0, "inconclusive", (f"{what} was measured",))
        measured = _figure(slo, table.sum(axis=0), float(failed))
        low, high = _interval(slo, table, failures)
        return SloResult(slo, measured, low, high, n, failed, *_outcome(slo, measured, low, high, n, failed))


def _figure(slo: Slo, counts: npt.NDArray[np.int64], failed: float) -> float:
    histogram = Histogram(counts)
    if slo.metric == "errors":
        return failed / histogram.count if histogram.count else np.nan
    return histogram.mean_us if slo.metric == "mean" else histogram.quantile_us(slo.quantile)


def _outcome(
    slo: Slo, measured: float, low: float, high: float, n: int, failed: int
) -> tuple[Outcome, tuple[str, ...]]:
    """The measured figure decides; what weakens it goes along as doubts."""
    doubts = []
    kept = measured <= slo.limit
    beyond = n * allowed(slo)
    if slo.metric == "latency" and failed > beyond:
        kept = False
        doubts.append(f"{show_ratio(failed / n)} of the requests failed, which counts as slow")
    if slo.metric == "latency" and slo.quantile < 1 and beyond < FEWEST_BEYOND:
        doubts.append(f"{n} requests are too few for {slo.figure}: only {beyond:.1f} lie beyond it")
        return "inconclusive", tuple(doubts)
    if np.isfinite(low) and low <= slo.limit <= high and high > low:
        doubts.append("the limit lies within the measured interval")
    return ("pass" if kept else "fail"), tuple(doubts)


def _interval(slo: Slo, table: npt.NDArray[np.int64], failures: Floats) -> tuple[float, float]:
    """95% by resampling whole blocks of seconds (circular block bootstrap, Politis and Romano 1992)."""
    seconds = failures.size
    if seconds < 4 * BLOCK_S:
        return np.nan, np.nan
    random = np.random.default_rng(seconds)
    blocks = -(-seconds // BLOCK_S)
    starts = random.integers(0, seconds, (RESAMPLES, blocks))
    chosen = (starts[:, :, None] + np.arange(BLOCK_S)).reshape(RESAMPLES, -1)[:, :seconds] % seconds
    weight = np.stack([np.bincount(row, minlength=seconds) for row in chosen]).astype(np.float32)
    used = np.flatnonzero(table.any(axis=0))
    counts = weight @ table[:, used].astype(np.float32)
    full = np.zeros(BUCKETS, dtype=np.int64)
    figures = []
    for row, failed in zip(counts, weight @ failures.astype(np.float32), strict=True):
        full[used] = np.rint(row)
        figures.append(_figure(slo, full, float(failed)))
    low, high = np.nanquantile(figures, [0.025, 0.975])
    return float(low), float(high)


def _said(result: SloResult) -> str:
    shown = show_ratio if result.slo.metric == "errors" else show_latency
    because = f" ({'; '.join(result.doubts)})" if result.doubts else ""
    return f"{result.slo.text}: measured {shown(result.measured)}{because}"
