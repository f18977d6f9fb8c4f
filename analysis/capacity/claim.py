"""What a search claims: the nouns of its answer, as data for page, terminal and JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any

from analysis.capacity.judge import Outcome
from analysis.capacity.level import Purpose, Reason
from results import Slo
from results.units import show_rate


@dataclass(frozen=True)
class LevelPoint:
    """One level for curve and table; `shares` are over / allowed by objective (1 is the limit).

    `steady` is whether no trend was left at its end. `recovered` is None but for pauses: whether the backlog
    of the overload before was worked off in it.
    """

    number: int
    purpose: Purpose
    rate_per_s: float
    achieved_per_s: float
    seconds: int
    settle_s: int
    outcome: Outcome
    kept: bool
    steady: bool
    overloaded: bool
    shares: tuple[float, ...]
    problems: tuple[str, ...]
    recovered: bool | None = None

    @property
    def is_evidence(self) -> bool:
        """Whether it was held to judge the system, and says something about it."""
        return self.outcome != "invalid" and self.purpose != "recover"

    @property
    def drifted(self) -> bool:
        """Whether it is evidence though a trend was left at its end; an overload has one by its nature."""
        return self.is_evidence and not self.steady and not self.overloaded


@dataclass(frozen=True)
class Recovery:
    """What it took to come back from an overload: seconds of a pause at a lower rate."""

    after_per_s: float
    pause_per_s: float
    seconds: int
    complete: bool


@dataclass(frozen=True)
class SloLimit:
    """The highest rate within one objective; rates are None where it was not hit within what was tried."""

    slo: Slo
    rate_per_s: float | None
    low_per_s: float | None
    high_per_s: float | None


@dataclass(frozen=True)
class Capacity:
    """The answer of a search. Rates are arrivals per second.

    `rate_per_s` with its 90% interval is None when no bound was found; then `why` says why, and
    `last_pass` or `first_fail` is all that is known. `max_per_s` is the highest rate that came through at
    all, objectives aside (with `rate_per_s` the pair that SPECjbb reports); `max_is_bound` whether the
    system was driven beyond it.
    """

    found: bool
    why: str
    reason: Reason
    rate_per_s: float | None
    low_per_s: float | None
    high_per_s: float | None
    first_hit: Slo | None
    limits: tuple[SloLimit, ...]
    last_pass: LevelPoint | None
    first_fail: LevelPoint | None
    contradicting: int
    max_per_s: float | None
    max_is_bound: bool
    spent_s: float
    levels: tuple[LevelPoint, ...]

    @property
    def recoveries(self) -> tuple[Recovery, ...]:
        """One for each pause after an overload, in order of time."""
        return tuple(
            Recovery(before.rate_per_s, pause.rate_per_s, pause.seconds, bool(pause.recovered))
            for before, pause in pairwise(self.levels)
            if pause.purpose == "recover"
        )

    @property
    def confirmed_per_s(self) -> float | None:
        """The highest rate that was kept in a last level, held to confirm the answer; None where none was."""
        kept = [one.rate_per_s for one in self.levels if one.purpose == "confirm" and one.kept]
        return max(kept, default=None)

    @property
    def confirmed_words(self) -> str:
        """What a last level confirmed, in words."""
        at = self.confirmed_per_s
        return f"confirmed at {show_rate(at)}" if at is not None else "not confirmed"

    @property
    def unclaimed(self) -> bool:
        """Whether no rate is claimed: levels were no evidence, or said nothing of one of the objectives."""
        return not self.found and self.reason in ("not valid", "not measured")

    @property
    def carried_per_s(self) -> float | None:
        """The rate that is claimed: without a bound the highest that was kept. None where none is claimed."""
        if self.found:
            return self.rate_per_s
        return None if self.last_pass is None or self.unclaimed else self.last_pass.rate_per_s

    def withdrawn(self, why: str) -> Capacity:
        """The same without what may not be claimed, where something speaks against all of the levels."""
        return replace(
            self, found=False, why=why, reason=self.reason if self.unclaimed else "not valid",
            rate_per_s=None, low_per_s=None, high_per_s=None, first_hit=None, limits=(),
        )  # fmt: skip

    @property
    def claim(self) -> str:
        """The one sentence, without the bottleneck."""
        if self.found and self.rate_per_s is not None and self.first_hit is not None:
            return f"The system carries {show_rate(self.rate_per_s)} within {self.first_hit.text}."
        if self.reason == "not valid" and self.last_pass is not None:
            kept = show_rate(self.last_pass.rate_per_s)
            return f"No capacity is claimed: {self.why}; {kept} was kept."
        if self.carried_per_s is not None:
            return f"The system carries at least {show_rate(self.carried_per_s)}: {self.why}."
        if self.first_fail is not None and self.reason != "not measured":
            lowest = show_rate(self.first_fail.rate_per_s)
            return f"No rate within the objectives was found: {self.why}; {lowest} failed."
        return f"No capacity is claimed: {self.why}."

    def sentence(self, gives_way: str | None = None) -> str:
        """The verdict with what gives way first, e.g. "the API's replica pool"."""
        if gives_way is None or not self.found:
            return self.claim
        return f"{self.claim} Then {gives_way} gives way."

    def to_dict(self) -> dict[str, Any]:
        """The answer as plain data for JSON and run.db."""
        plain = asdict(self) | {"claim": self.claim, "confirmed_per_s": self.confirmed_per_s}
        plain["recoveries"] = [asdict(one) for one in self.recoveries]
        plain["first_hit"] = self.first_hit.text if self.first_hit else None
        for limit, of in zip(plain["limits"], self.limits, strict=True):
            limit["slo"] = of.slo.text
        return plain
