"""What a fault within a run did: when it showed, when things were well again, what failed meanwhile.

Only what the harness saw itself counts: failed requests, what tiers said of their health, response times.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

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


@dataclass
class _Second:
    response: Histogram
    failed: int = 0
    kinds: tuple[str, ...] = ()


def fault_effects(run: Run) -> list[FaultEffect]:
    """The effect of each timed fault, in order of time. Pure, reads run.db alone."""
    happened = [event for event in run.events if event.kind == "fault" and "name" in event.data]
    begun = [event for event in happened if event.data.get("to_s") is None]
    if not begun:
        return []
    ended = {(e.data["name"], e.data["from_s"]): float(e.data["to_s"]) for e in happened if e not in begun}
    spans = [
        (event, float(event.data["from_s"]), ended.get((event.data["name"], event.data["from_s"])))
        for event in begun
    ]
    seconds, health = _seconds(run), _health(run)
    whole = [(event, from_s, run.duration_s if to_s is None else to_s) for event, from_s, to_s in spans]
    return [_effect(run, event, from_s, to_s, whole, seconds, health) for event, from_s, to_s in whole]


Spans = list[tuple[Event, float, float]]


def _effect(
    run: Run,
    event: Event,
    from_s: float,
    to_s: float,
    all_faults: Spans,
    seconds: dict[int, _Second],
    health: dict[int, str],
) -> FaultEffect:
    first, last = int(from_s), int(np.ceil(run.duration_s))
    under_fault = {s for _, begin, end in all_faults for s in range(int(begin), int(end) + CALM_SECONDS + 1)}
    before = [one for s, one in seconds.items() if run.warmup_s <= s < first and s not in under_fault]
    usual = {text for second, text in health.items() if second < first}
    signs = {s: sign for s in range(first, last) if (sign := _sign(s, seconds, health, before, usual))}
    shown = next((s for s in sorted(signs) if s <= to_s), None)
    well = next((s for s in range(int(np.ceil(to_s)), last - CALM_SECONDS + 1) if _calm(s, signs)), None)
    until = last if well is None else well
    meanwhile = [seconds[s] for s in range(first, until) if s in seconds]
    return FaultEffect(
        name=event.data["name"],
        text=event.text.partition(": ")[2],
        from_s=from_s,
        to_s=to_s,
        detect_s=None if shown is None else max(shown + 1 - from_s, 0.0),
        sign="" if shown is None else signs[shown],
        recover_s=None if well is None else max(well - to_s, 0.0),
        failed=sum(one.failed for one in meanwhile),
        requests=sum(one.response.count for one in meanwhile),
    )


def _calm(second: int, signs: dict[int, str]) -> bool:
    return not any(s in signs for s in range(second, second + CALM_SECONDS))


def _sign(
    second: int,
    seconds: dict[int, _Second],
    health: dict[int, str],
    before: list[_Second],
    usual: set[str],
) -> str:
    """What in a second speaks of a fault, in words; "" for nothing. What was so before is no sign."""
    if health.get(second, "") not in usual | {""}:
        return health[second]
    now = seconds.get(second)
    if now is None:
        return "no request ended" if before else ""
    requests = sum(one.response.count for one in before)
    usual_failed = sum(one.failed for one in before) / max(requests, 1) * now.response.count
    # A count has the standard deviation of its square root: three of them are no accident.
    if now.failed > usual_failed + 3 * np.sqrt(usual_failed):
        return f"failed requests: {', '.join(now.kinds[:2])}"
    slowest = max((_slow_ms(one) for one in before), default=float("nan"))
    here = _slow_ms(now)
    if here > SLOWER * slowest and here > slowest + LEAST_MS:
        return f"p{QUANTILE * 100:g} {show_latency(here * 1e3)}, before at most {show_latency(slowest * 1e3)}"
    return ""


def _slow_ms(second: _Second) -> float:
    return second.response.quantile_us(QUANTILE) / 1e3 if second.response.count else float("nan")


def _seconds(run: Run) -> dict[int, _Second]:
    """All requests by the second in which they were due, setup's left out."""
    pieces: dict[int, list[Histogram]] = defaultdict(list)
    failed: dict[int, int] = defaultdict(int)
    kinds: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for piece in run.intervals():
        if not piece.endpoint.setup:
            pieces[piece.second].append(piece.response)
            failed[piece.second] += piece.failed
            for kind, (count, _) in piece.errors.items():
                kinds[piece.second][kind] += count
    return {
        second: _Second(
            Histogram.merged(found),
            failed[second],
            tuple(sorted(kinds[second], key=lambda kind: -kinds[second][kind])),
        )
        for second, found in pieces.items()
    }


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
