"""What is happening right now, from the last seconds: for the progress line and for early decisions."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from results import Account, Flow, Histogram, Interval, Sample

WINDOW_S = 5


@dataclass(frozen=True)
class Moment:
    """One second of progress. Latencies in microseconds; nan where nothing ended lately."""

    at_s: float
    duration_s: float
    asked_per_s: float
    requests_per_s: float
    p99_us: float
    error_ratio: float
    in_flight: int
    backlog: int
    busiest: str
    name: str = ""
    """Which of several runs it is of."""

    @property
    def left_s(self) -> float:
        """Time left of the plan."""
        return max(self.duration_s - self.at_s, 0.0)


class Live:
    """Keeps the last seconds of a run, and the account so far."""

    def __init__(self) -> None:
        self._intervals: deque[Interval] = deque()
        self._flows: deque[Flow] = deque()
        self._cpu: dict[str, tuple[float, float]] = {}

    def add_interval(self, piece: Interval) -> None:
        """Take in requests."""
        if not piece.endpoint.setup:
            self._intervals.append(piece)

    def add_flow(self, flow: Flow) -> None:
        """Take in arrivals."""
        self._flows.append(flow)

    def add_sample(self, sample: Sample) -> None:
        """Take in what a tier said; only CPU figures matter here."""
        if sample.metric == "cpu_ratio":
            self._cpu[sample.instance] = (sample.at_s, sample.value)

    def moment(self, at_s: float, duration_s: float, asked_per_s: float) -> Moment:
        """The last seconds in one line's figures."""
        since = at_s - WINDOW_S
        while self._intervals and self._intervals[0].second < since - WINDOW_S:
            self._intervals.popleft()
        while self._flows and self._flows[0].second < since:
            self._flows.popleft()
        recent = [piece for piece in self._intervals if piece.second >= since]
        merged = Histogram.merged(piece.response for piece in recent)
        ended = sum(flow.requests for flow in self._flows)
        seconds = max(len({flow.second for flow in self._flows}), 1)
        last = {flow.generator: flow for flow in self._flows}.values()
        failed = sum(piece.failed for piece in recent)
        busy = {name: value for name, (seen_s, value) in self._cpu.items() if seen_s >= since}
        busiest = max(busy, key=lambda name: busy[name], default="")
        return Moment(
            at_s,
            duration_s,
            asked_per_s,
            ended / seconds,
            merged.quantile_us(0.99),
            failed / merged.count if merged.count else 0.0,
            sum(flow.in_flight for flow in last),
            sum(flow.backlog for flow in last),
            f"{busiest} {busy[busiest] * 100:.0f}%" if busiest else "",
        )


def account_from(frame: dict[str, int]) -> Account:
    """The account in an `account` frame."""
    return Account(*(int(frame[name]) for name in Account.__dataclass_fields__))
