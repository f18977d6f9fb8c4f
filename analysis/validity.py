"""Whether a run can be trusted, apart from whether it passed: valid, or the list of why not."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from analysis.steady import trend
from results import Histogram, Run
from results.units import show_latency, three_digits

MOST_CPU_RATIO = 0.9
"""Of one core: a generator is one process with one event loop."""
MOST_LOOP_LAG_US = 100_000
MOST_WAKE_LAG_US = 20_000
FULL_HOST = 0.9
IDLE_GENERATOR = 0.6
"""Of a core: a generator that uses less, and is late on a machine whose CPU is full, is not what limits."""
MOST_FDS_RATIO = 0.9
"""Of the files that the generator may have open; each connection is one."""
MOST_BAD_SECONDS = 0.05
"""The share of seconds in which a generator may be past a limit."""
RATE_TOLERANCE = 0.02
SIGMAS = 5.0
SHORTEST_HOLD_S = 10
MOST_PIECES = 240
UNSTEADY = 0.7
"""The rise of ln(requests in flight) over a held level from which it is not steady: a doubling."""
FEWEST_BEYOND = 10
"""Requests beyond a quantile, below which it is little more than a guess."""


@dataclass(frozen=True)
class Reason:
    """Why a run is not valid. `code` is stable: generator-limited, worker-lost, rate ..."""

    code: str
    text: str
    advice: str


@dataclass(frozen=True)
class Validity:
    """Valid is having no reason against it."""

    reasons: tuple[Reason, ...]

    @property
    def valid(self) -> bool:
        """Whether the run can be trusted."""
        return not self.reasons


def validity(run: Run) -> Validity:
    """All that speaks against trusting a run."""
    found = [
        *_ended(run),
        *_account(run),
        *_lost(run),
        *_generator(run),
        *_rate(run),
        *_steady(run),
        *_enough(run),
    ]
    return Validity(tuple(found))


def _ended(run: Run) -> list[Reason]:
    if run.state == "finished":
        return []
    why = next((event.text for event in run.events if event.kind == "aborted"), "")
    words = {
        "interrupted": "the run was interrupted before its plan was done",
        "running": "the run was killed while it was being made",
        "aborted": f"the run was aborted: {why or 'its log says why'}",
    }
    return [Reason("not-finished", words.get(run.state, f"the run is {run.state}"), "run it again")]


def _account(run: Run) -> list[Reason]:
    account = run.account
    if not account.scheduled:
        return [Reason("nothing", "no arrival was accounted for", "see the run's load.log")]
    if account.missing:
        said = f"{abs(account.missing)} of {account.scheduled} arrivals are unaccounted for"
        return [Reason("account", said, "look for lost generators, and run it again")]
    return []


def _lost(run: Run) -> list[Reason]:
    lost = [event for event in run.events if event.kind in ("lost", "frames-lost")]
    return [Reason("worker-lost", event.text, "run it again with all generators") for event in lost]


def _generator(run: Run) -> list[Reason]:
    reasons = []
    steady_s = run.duration_s - run.warmup_s
    limits = [
        ("cpu_ratio", MOST_CPU_RATIO, "its CPU"),
        ("loop_lag_us", MOST_LOOP_LAG_US, "its event loop's lag"),
    ]
    for metric, limit, what in limits:
        for series in run.series(tier="generator", metric=metric):
            over = series.values[series.at_s > run.warmup_s] > limit
            if over.size and float(np.mean(over)) > MOST_BAD_SECONDS:
                shown = f"{limit:.0%} of a core" if metric == "cpu_ratio" else show_latency(limit)
                said = f"generator {series.instance} was at its limit"
                said += f": {what} was over {shown} in {float(np.mean(over)) * steady_s:.0f} s"
                reasons.append(_limited(said))
    reasons += _own_limits(run)
    lag = Histogram.merged(flow.wake_lag for flow in run.flows if flow.second >= run.warmup_s)
    if lag.count and lag.quantile_us(0.99) > MOST_WAKE_LAG_US:
        reasons.append(
            _limited(f"the generator woke its users up {show_latency(lag.quantile_us(0.99))} late (p99)")
        )
    return reasons


def _own_limits(run: Run) -> list[Reason]:
    def highest(metric: str) -> dict[str, float]:
        series = run.series(tier="generator", metric=metric)
        return {one.instance: float(one.values.max(initial=0)) for one in series}

    files, allowed, faults = highest("fds"), highest("fds_limit"), highest("own_faults")
    return [
        reason
        for name in dict.fromkeys([*files, *faults])
        for reason in own_limits(
            name, files.get(name, 0.0), allowed.get(name, math.inf), faults.get(name, 0.0)
        )
    ]


def own_limits(generator: str, open_files: float, allowed: float, own_faults: float) -> list[Reason]:
    """Files and network errors of a generator's own machine: one such error is enough."""
    reasons = []
    if open_files > MOST_FDS_RATIO * allowed:
        said = f"generator {generator} had {open_files:.0f} of {allowed:.0f} files open"
        reasons.append(_limited(said, "raise 'ulimit -n', or use --processes"))
    if own_faults:
        said = f"generator {generator} had {own_faults:.0f} network errors of its own machine"
        reasons.append(_limited(said, "its log and the errors name them: ports, files, or buffers ran out"))
    return reasons


def _limited(text: str, advice: str = "use --processes, or make load on another machine") -> Reason:
    return Reason("generator-limited", text, advice)


def _rate(run: Run) -> list[Reason]:
    stages = run.stages
    if stages is None or not stages.open or run.state != "finished":
        return []
    planned = stages.cumulative(stages.duration_s)
    scheduled = run.account.scheduled
    # A Poisson count has the standard deviation of its square root.
    if abs(scheduled - planned) <= RATE_TOLERANCE * planned + SIGMAS * math.sqrt(planned):
        return []
    said = f"{scheduled} arrivals were scheduled where the plan has {three_digits(planned)}"
    return [Reason("rate", said, "see whether a generator was lost or at its limit")]


def _steady(run: Run) -> list[Reason]:
    """Held levels in which requests in flight keep growing or shrinking: their figures depend on the moment.

    By Little's law what is in flight is rate x response time, and flows hold it for every second.
    """
    if run.stages is None or run.state != "finished":
        return []
    found = []
    for begin, end, level in run.stages.holds():
        from_s, to_s = max(begin, run.warmup_s), min(end, run.duration_s)
        if to_s - from_s < SHORTEST_HOLD_S:
            continue
        held = np.zeros(int(to_s) - int(from_s))
        for flow in run.flows:
            if int(from_s) <= flow.second < int(to_s):
                held[flow.second - int(from_s)] += flow.in_flight + flow.backlog
        pieces = np.array_split(held, min(held.size, MOST_PIECES))
        line = trend(np.log([piece.mean() + 1 for piece in pieces]))
        if line.matters(UNSTEADY):
            way = (
                f"grew {math.exp(line.rise):.1f}-fold"
                if line.rise > 0
                else f"fell by {-math.expm1(line.rise):.0%}"
            )
            unit = "/s" if run.stages.open else " users"
            at = f"at {three_digits(level)}{unit}"
            said = f"no steady state: {at} the requests in flight {way} over {to_s - from_s:.0f} s"
            why = "warm up for longer, or offer less" if line.rise > 0 else "warm up for longer"
            found.append(Reason("not-steady", said, why))
    return found


def _enough(run: Run) -> list[Reason]:
    quantiles = [slo.quantile for slo in run.slos if slo.metric == "latency" and slo.quantile < 1]
    if not quantiles:
        return []
    requests = run.merged(start_s=run.warmup_s).count
    beyond = requests * (1 - max(quantiles))
    if beyond >= FEWEST_BEYOND:
        return []
    said = f"{requests} requests are too few to judge p{max(quantiles) * 100:g} ({beyond:.0f} lie beyond it)"
    return [Reason("few-requests", said, "run longer or at a higher rate")]
