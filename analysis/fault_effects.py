"""What a fault within a run did: when it showed, when things were well again, what failed meanwhile.

Only what the harness saw itself counts: failed requests, what tiers said of their health, response times.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from results import Event, Histogram, Run
from results.units import show_latency

QUANTILE = 0.9
"""Of the response times of a second, what is looked at: a second holds too few for more."""
SLOWER = 1.5
"""How many times slower than its slowest second before the fault a second is that counts as a sign."""
LEAST_MS = 10.0
"""And by how much: what is slower by less does nobody harm."""
CALM_SECONDS = 3
"""Seconds in a row without a sign after which a run is well again."""
HEALTHY = (
    ("lb", "up", 0.5, np.inf, "the load balancer has taken {} out"),
    ("replica", "sql_running", 0.5, np.inf, "the {} applies nothing"),
    ("replica", "io_running", 0.5, np.inf, "the {} receives nothing"),
    ("replica", "lag_ms", -np.inf, 400.0, "the {} lags"),
)
"""Tier, metric, between what it is healthy, and what is said of an instance where it is not."""


@dataclass(frozen=True)
class FaultEffect:
    """One fault of a run. Times in seconds since load began; `detect_s` and `recover_s` are durations.

    `detect_s` is from the fault's begin to the end of the first second that shows it, None if none does.
    `recover_s` is from the fault's end to the first of several seconds without a sign, None if the run ended
    before; nothing has to recover from a fault that never showed. `failed` and `requests` count from its
    begin until then.
    """

    name: str
    text: str
    from_s: float
    to_s: float
    detect_s: float | None
    sign: str
    recover_s: float | None
    failed: int
    requests: int


@dataclass(frozen=True)
class _Second:
    requests: int
    failed: int
    slow_us: float
    """The quantile of its response times."""
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Usual:
    """How things were before a fault."""

    failed_ratio: float
    slowest_us: float
    """Of its slowest second; nan where nothing is known."""
    health: frozenset[str]


def fault_effects(run: Run) -> list[FaultEffect]:
    """The effect of each timed fault, in order of time. Pure, reads run.db alone."""
    happened = [event for event in run.events if event.kind == "fault" and "name" in event.data]
    begun = [event for event in happened if event.data.get("to_s") is None]
    if not begun:
        return []
    ended = {(e.data["name"], e.data["from_s"]): float(e.data["to_s"]) for e in happened if e not in begun}
    spans = [
        (e, float(e.data["from_s"]), ended.get((e.data["name"], e.data["from_s"]), run.duration_s))
        for e in begun
    ]
    seconds, health = _seconds(run), _health(run)
    under_fault = {
        second for _, from_s, to_s in spans for second in range(int(from_s), int(to_s) + CALM_SECONDS + 1)
    }
    calm = {s: one for s, one in seconds.items() if s >= run.warmup_s and s not in under_fault}
    found = []
    for event, from_s, to_s in spans:
        usual = _usual(calm, health, int(from_s))
        last = int(np.ceil(run.duration_s))
        signs = {s: sign for s in range(int(from_s), last) if (sign := _sign(s, seconds, health, usual))}
        found.append(_effect(event, from_s, to_s, last, signs, seconds))
    return found


def _usual(calm: dict[int, _Second], health: dict[int, str], first: int) -> _Usual:
    before = [one for second, one in calm.items() if second < first]
    requests = sum(one.requests for one in before)
    return _Usual(
        sum(one.failed for one in before) / max(requests, 1),
        max((one.slow_us for one in before), default=float("nan")),
        frozenset(text for second, text in health.items() if second < first),
    )


def _effect(
    event: Event, from_s: float, to_s: float, last: int, signs: dict[int, str], seconds: dict[int, _Second]
) -> FaultEffect:
    """`last` is the end of the run; `signs` are those of the seconds since the fault began."""
    shown = min((second for second in signs if second <= to_s), default=None)
    well = next((s for s in range(int(np.ceil(to_s)), last - CALM_SECONDS + 1) if _calm(s, signs)), None)
    meanwhile = [one for second, one in seconds.items() if int(from_s) <= second < (well or last)]
    return FaultEffect(
        name=event.data["name"],
        text=event.text.partition(": ")[2],
        from_s=from_s,
        to_s=to_s,
        detect_s=None if shown is None else max(shown + 1 - from_s, 0.0),
        sign="" if shown is None else signs[shown],
        recover_s=None if well is None else max(well - to_s, 0.0),
        failed=sum(one.failed for one in meanwhile),
        requests=sum(one.requests for one in meanwhile),
    )


def _calm(second: int, signs: dict[int, str]) -> bool:
    return not any(s in signs for s in range(second, second + CALM_SECONDS))


def _sign(second: int, seconds: dict[int, _Second], health: dict[int, str], usual: _Usual) -> str:
    """What in a second speaks of a fault, in words; "" for nothing. What was so before is no sign."""
    if health.get(second, "") not in usual.health | {""}:
        return health[second]
    now = seconds.get(second)
    if now is None:
        return "no request was due or ended" if np.isfinite(usual.slowest_us) else ""
    expected = usual.failed_ratio * now.requests
    # A count has the standard deviation of its square root: three of them are no accident.
    if now.failed > expected + 3 * np.sqrt(expected):
        return f"failed requests: {', '.join(now.kinds[:2])}"
    if now.slow_us > max(SLOWER * usual.slowest_us, usual.slowest_us + LEAST_MS * 1e3):
        before = show_latency(usual.slowest_us)
        return f"p{QUANTILE * 100:g} {show_latency(now.slow_us)}, before at most {before}"
    return ""


def _seconds(run: Run) -> dict[int, _Second]:
    """All requests by the second in which they were due, setup's left out."""
    found = {}
    asked = (piece for piece in run.intervals() if not piece.endpoint.setup)
    for second, pieces in groupby(asked, key=lambda piece: piece.second):
        response, failed, kinds = Histogram(), 0, Counter[str]()
        for piece in pieces:
            response += piece.response
            failed += piece.failed
            kinds.update({kind: count for kind, (count, _) in piece.errors.items()})
        most_first = tuple(kind for kind, _ in kinds.most_common())
        found[second] = _Second(response.count, failed, response.quantile_us(QUANTILE), most_first)
    return found


def _health(run: Run) -> dict[int, str]:
    """By second, the first bad word of a tier about itself: down, not answering, stopped, late."""
    found: dict[int, str] = {}
    for tier, metric, least, most, words in HEALTHY:
        for series in run.series(tier, metric=metric):
            bad = (series.values < least) | (series.values > most)
            for at_s in series.at_s[bad].tolist():
                found.setdefault(int(at_s), words.format(series.instance.split("/")[-1]))
    for gap in run.gaps:
        if gap.reason.startswith("process "):
            continue  # a process that was started again has another number, and the old one stays away
        for second in range(int(gap.from_s), int(np.ceil(gap.to_s))):
            found.setdefault(second, f"{gap.instance} does not answer")
    return found
