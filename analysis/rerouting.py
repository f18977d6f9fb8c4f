"""How long the load balancer took to route around an instance that was dead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.masks import stretches_of
from analysis.samples import Samples
from results import Event, Gap, Series

BEFORE_S = 30.0
"""A sign of an instance's death is looked for so long before the load balancer takes it out."""
_SIGNS = ("connect_errors", "errors_5xx")


@dataclass(frozen=True)
class Rerouting:
    """One time that a server was out. Seconds since load began, to the second, as samples come once a second.

    `moved_s` is when the last request to it had ended and none followed; None where traffic never moved.
    """

    server: str
    began_s: float
    sign: str
    """What showed its death first."""
    moved_s: float | None
    back_s: float | None
    """When it was up again; None where it was not."""
    sent_again: float
    """Retries and redispatches of its requests until traffic had moved."""
    failed: float
    """Its connection errors and 5xx answers until then, by the load balancer's own count."""

    @property
    def took_s(self) -> float | None:
        """From the first sign until traffic had moved."""
        return None if self.moved_s is None else max(self.moved_s - self.began_s, 0.0)


def reroutings(samples: Samples, gaps: Sequence[Gap], events: Sequence[Event]) -> list[Rerouting]:
    """Every time that a server of the load balancer was taken out, in order of time."""
    found = []
    for name in samples.instances("lb", "up"):
        up = samples.get("lb", name, "up")
        if up is None or "/" not in name:
            continue
        for down_s, back_s in _down(up):
            found.append(_rerouting(samples, name, down_s, back_s, gaps, events))
    return sorted(found, key=lambda one: one.began_s)


def _down(up: Series) -> list[tuple[float, float | None]]:
    """When it went out and came back; where it was out from the begin on, nothing was routed around it."""
    return [
        (float(up.at_s[first]), float(up.at_s[past]) if past < up.at_s.size else None)
        for first, past in stretches_of(up.values < 1)
        if first > 0
    ]


def _rerouting(
    samples: Samples,
    name: str,
    down_s: float,
    back_s: float | None,
    gaps: Iterable[Gap],
    events: Iterable[Event],
) -> Rerouting:
    server = name.partition("/")[2]
    signs = [(down_s, "its health check")]
    signs += [
        (gap.from_s, "its own page did not answer")
        for gap in gaps
        if gap.instance == server and down_s - BEFORE_S <= gap.from_s <= down_s
    ]
    signs += [
        (begun_s, f"the fault {event.data.get('name', event.text)}")
        for event in events
        if event.kind == "fault" and (begun_s := float(event.data.get("from_s", event.at_s))) <= down_s
        if down_s - BEFORE_S <= begun_s
    ]
    for metric in _SIGNS:
        grown = samples.get("lb", name, metric)
        if grown is not None:
            inside = grown.between(down_s - BEFORE_S, down_s)
            first = inside.at_s[inside.values > 0]
            signs += [(float(first[0]), "failed requests")] if first.size else []
    began_s, sign = min(signs)
    moved_s = _moved(samples.get("lb", name, "requests"), began_s, back_s, down_s)
    until_s = (down_s if moved_s is None else moved_s) + 1
    return Rerouting(
        name,
        began_s,
        sign,
        moved_s,
        back_s,
        _between(samples, name, ("retries", "redispatches"), began_s, until_s),
        _between(samples, name, _SIGNS, began_s, until_s),
    )


def _moved(requests: Series | None, began_s: float, back_s: float | None, down_s: float) -> float | None:
    """The first sample from which on no request went to the server as long as it was out."""
    if requests is None:
        return down_s
    inside = requests.between(began_s, np.inf if back_s is None else back_s)
    busy = np.flatnonzero(inside.values > 0)
    if inside.at_s.size == 0:
        return down_s
    if busy.size == 0:
        return began_s
    after = int(busy[-1]) + 1
    return float(inside.at_s[after]) if after < inside.at_s.size else None


def _between(samples: Samples, name: str, metrics: Iterable[str], from_s: float, to_s: float) -> float:
    total = 0.0
    for metric in metrics:
        rate = samples.get("lb", name, metric)
        if rate is not None and rate.at_s.size > 1:
            step_s = float(np.median(np.diff(rate.at_s)))
            total += float(rate.between(from_s, to_s).values.sum()) * step_s
    return total
