"""The windows of a level, made from what the generators told: live, or again from a stored run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from analysis.capacity.level import Window
from analysis.slo import Count, count
from results import Flow, Histogram, Interval, Slo


def window(
    second: int,
    intervals: Mapping[int, Sequence[Interval]],
    flows: Mapping[int, Sequence[Flow]],
    slos: Sequence[Slo],
    now_s: int | None = None,
) -> Window:
    """One second of load, by second of intended start, as known at the end of second `now_s` (default: all).

    Call it when the second is older than every latency limit: then a request that has not ended is over.
    Who has not ended is told by the flows: arrivals are served about in order, so those in flight or in the
    backlog now are the youngest, and what exceeds the arrivals since belongs to this second.
    """
    own = [piece for piece in intervals.get(second, ()) if not piece.endpoint.setup]
    flow = flows.get(second, ())
    scheduled = sum(one.scheduled for one in flow)
    late = 0.0 if now_s is None else _unended(second, now_s, scheduled, flows)
    response = Histogram.merged(piece.response for piece in own)
    return Window(
        scheduled=scheduled,
        finished=sum(one.finished + one.failed for one in flow),
        in_flight=sum(one.in_flight + one.backlog for one in flow),
        mean_response_us=_mean(response, late, slos),
        counts=tuple(_with_late(count(slo, own), slo, own, late, scheduled) for slo in slos),
    )


def _unended(second: int, now_s: int, scheduled: int, flows: Mapping[int, Sequence[Flow]]) -> float:
    """Arrivals due in `second` that have neither ended nor can be among the later ones."""
    pending = sum(one.in_flight + one.backlog for one in flows.get(now_s, ()))
    later = sum(one.scheduled for s in range(second + 1, now_s + 1) for one in flows.get(s, ()))
    return float(np.clip(pending - later, 0, scheduled))


def _with_late(seen: Count, slo: Slo, own: Sequence[Interval], late: float, scheduled: int) -> Count:
    if not late:
        return seen
    # How many requests of this objective an arrival makes is known from those that have ended.
    ended = max(scheduled - late, 0.0)
    per_arrival = seen.n / ended if ended >= 1 and seen.n else (0.0 if slo.endpoint and own else 1.0)
    missing = late * per_arrival
    over = missing if slo.metric != "errors" else 0.0
    return Count(round(seen.n + missing), seen.over + over)


def _mean(response: Histogram, late: float, slos: Sequence[Slo]) -> float:
    """The mean response time, those that have not ended counted with the longest limit as a lower bound."""
    limits = [slo.limit for slo in slos if slo.metric != "errors"]
    if not response.count and not late:
        return float("nan")
    known = response.mean_us * response.count if response.count else 0.0
    return (known + late * max(limits, default=1e6)) / (response.count + late)
