"""What a capacity search asks for (Level, at last Done) and is told (Window by window, then LevelResult)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from analysis.slo import Count

Purpose = Literal["bracket", "narrow", "repeat", "recover", "confirm"]
Reason = Literal[
    "precise", "budget", "max rate", "min rate", "not valid", "not measured", "interrupted", "aborted"
]
PURPOSE_WORDS: dict[str, str] = {
    "bracket": "doubling",
    "narrow": "closing in",
    "repeat": "once more",
    "recover": "pause to recover",
    "confirm": "confirming",
}
"""Purposes as people are told them."""


def outcome_words(outcome: str, kept: bool) -> str:
    """What a level showed of the objectives, and whether that is more than chance, in plain words."""
    if outcome == "invalid":
        return "no evidence"
    return f"{'kept' if kept else 'missed'}{', not yet sure' if outcome == 'unclear' else ''}"


@dataclass(frozen=True)
class Window:
    """One second of a level, by intended start, told when all its requests can be judged.

    A request can be judged when it has ended or is older than every latency limit; one that is older and
    has not ended counts as over. `scheduled` and `counts` go by intended start, `finished` (arrivals that
    ended, failed ones included) and `in_flight` (arrivals begun or due, not ended) by the clock.
    `counts` has one entry for each objective of the search, in its order.
    """

    scheduled: int
    finished: int
    in_flight: int
    mean_response_us: float
    counts: tuple[Count, ...]


@dataclass(frozen=True)
class Level:
    """A rate to offer. Hold it until `Search.enough` says so: at least `min_s`, never longer than `max_s`."""

    rate_per_s: float
    purpose: Purpose
    min_s: float
    max_s: float
    number: int = 0


@dataclass(frozen=True)
class LevelResult:
    """What a level did. `problems` are reasons why it is no evidence (generator-limited, worker lost ...).

    `took_s` is all the time it cost, from the end of what was before to the judgement: turning to the next
    whole second, and waiting for its last windows, included. The budget is kept by it.
    """

    level: Level
    windows: tuple[Window, ...]
    took_s: float
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Done:
    """The search has ended, and why.

    precise: the interval is as narrow as asked. budget: time is up. max rate: never failed up to the rate
    allowed. min rate: failed at the lowest. not valid: levels from some rate on (or all) were no evidence.
    not measured: an objective is about requests that never came. interrupted: ended by the user. aborted:
    load could not go on.
    """

    reason: Reason
