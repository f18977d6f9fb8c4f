"""The capacity search as a state machine without clock or I/O: ask `next`, hold the level, `observe` it.

Doubling finds a rate that fails; then each level is placed where all levels together expect the limit
(analysis.capacity.fit), until the answer is as precise as asked or the budget is nearly spent. A level that
overloaded the system is followed by a pause at a low rate; a level that is not valid is no evidence; the
level that confirms the answer runs last.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from analysis.capacity.fit import Estimate, Observation, estimate
from analysis.capacity.judge import Judged, Outcome, SloCount, judge, overloaded, pooled_cluster
from analysis.capacity.level import Level, LevelResult, Window
from analysis.capacity.queue import memory_s
from analysis.slo import allowed
from analysis.steady import trend
from results import Slo

ROUGH = 0.08
"""While the limit's interval is wider than this (half, relative), levels are short."""
MINIMUM_S = 5.0
"""No level is begun with less time than this left."""
DEEP = 8.0
"""A level with this many times the allowed share over the limit fails beyond doubt."""
CALM = 0.3
"""A level with less than this of the allowed share over its limits is not near the limit."""
HOLD_AT_MOST_S = 30.0
MEMORIES = 3.0
"""Levels near the limit last this many times the queue's memory."""


@dataclass(frozen=True)
class Settings:
    """What bounds a search. Rates are arrivals per second.

    `precision` is the half-width of the 90% interval, relative, at which the search stops early.
    """

    slos: tuple[Slo, ...]
    start_per_s: float = 25.0
    max_per_s: float = 10_000.0
    budget_s: float = 300.0
    min_per_s: float = 1.0
    precision: float = 0.01
    bracket_s: float = 5.0
    confirm_s: float = 25.0

    @property
    def lag_s(self) -> float:
        """How long after its end a second can be judged: the longest latency limit."""
        limits = [slo.limit / 1e6 for slo in self.slos if slo.metric != "errors"]
        return max(limits, default=0.0)

    @property
    def overhead_s(self) -> float:
        """What a level costs beyond the seconds it is held: its lag, and turning to the next whole second."""
        return math.ceil(self.lag_s) + 2

    @property
    def shortest_s(self) -> float:
        """The shortest budget with which a search makes sense: a few levels, each with its lag."""
        return 6 * (self.bracket_s + self.overhead_s)


Reason = Literal["precise", "budget", "max rate", "min rate", "not valid", "interrupted", "aborted"]


@dataclass(frozen=True)
class Done:
    """The search has ended, and why.

    precise: the interval is as narrow as asked. budget: time is up. max rate: never failed up to the rate
    allowed. min rate: failed at the lowest. not valid: levels from some rate on (or all) were no evidence.
    interrupted: ended by the user. aborted: load could not go on.
    """

    reason: Reason


@dataclass
class Search:
    """One search. `next` and `enough` decide, `observe` remembers; nothing else has an effect."""

    settings: Settings
    history: list[Judged] = field(default_factory=list)
    spent_s: float = 0.0
    _estimates: list[Estimate] = field(default_factory=list, repr=False)
    _estimated: int = 0

    def observe(self, result: LevelResult) -> None:
        """Take in what a level did."""
        self.history.append(judge(result, self.settings.slos))
        self.spent_s += result.took_s

    def next(self) -> Level | Done:
        """The next rate to offer, or the end."""
        step = self._decide()
        return step if isinstance(step, Done) else self._numbered(step)

    def enough(self, level: Level, windows: Sequence[Window]) -> bool:
        """Whether a level can end, given its windows so far. Ask after every window."""
        held = len(windows)
        if held >= level.max_s:
            return True
        if level.purpose == "recover":
            return held >= level.min_s and self._recovered(windows[-1])
        if held >= 4 and overloaded(windows, self.settings.slos):
            return level.purpose == "bracket" or held >= level.min_s / 2
        if held < level.min_s:
            return False
        if level.purpose in ("bracket", "repeat"):
            return self._clear(level, windows)
        means = [math.log(max(w.mean_response_us, 1.0)) for w in windows]
        return not trend(means[held // 4 :]).matters()

    # What the levels say

    @property
    def evidence(self) -> list[Judged]:
        """Valid levels that were held to judge the system, and that no later one contradicts."""
        return [seen for seen in self._held if not self.disturbed(seen)]

    @property
    def _held(self) -> list[Judged]:
        return [seen for seen in self.history if seen.valid and seen.result.level.purpose != "recover"]

    def disturbed(self, seen: Judged) -> bool:
        """Whether a level failed by far, and a later one at its rate or above was clearly kept.

        Both cannot be the system's own: something else took the machine for a moment.
        """
        later = self._held[self._held.index(seen) + 1 :] if seen in self._held else []
        return self._far_over(seen) and any(
            one.rate_per_s >= 0.995 * seen.rate_per_s and self._calm(one, 0.7) for one in later
        )

    def _far_over(self, seen: Judged) -> bool:
        return seen.overloaded or max((c.measure for c in seen.counts if c.n), default=0.0) > DEEP

    def _calm(self, seen: Judged, measure: float) -> bool:
        """Whether a level stayed clearly within every objective."""
        return not seen.overloaded and all(count.measure < measure for count in seen.counts if count.n)

    @property
    def bracketed(self) -> bool:
        """Whether a level was kept and one was not, so that the limit lies between rates that were tried."""
        return len({seen.kept_all for seen in self.evidence}) == 2

    def recovered(self, seen: Judged) -> bool:
        """Whether a pause ended with the backlog of the overload before it worked off."""
        return self._recovered(seen.result.windows[-1])

    def outcome(self, seen: Judged) -> Outcome:
        """Whether a level kept all objectives, one by one sure enough."""
        if not seen.valid:
            return "invalid"
        if seen.overloaded:
            return "fail"
        return self._verdict([seen.counts])

    def _verdict(self, levels: Sequence[tuple[SloCount, ...]]) -> Outcome:
        """The outcome of one level or several alike: the objectives' worst."""
        verdicts: set[Outcome] = set()
        for index, counts in enumerate(zip(*levels, strict=True)):
            pooled = sum(counts[1:], counts[0])
            verdicts.add(pooled.outcome(pooled_cluster(self.evidence, index)))
        worst: tuple[Outcome, ...] = ("fail", "unclear", "pass")
        return next((outcome for outcome in worst if outcome in verdicts), "invalid")

    def estimates(self) -> list[Estimate]:
        """For each objective, the highest rate within it, from all levels. Needs evidence."""
        if len(self.history) != self._estimated:
            self._estimates, self._estimated = self._estimate(), len(self.history)
        return self._estimates

    def _estimate(self) -> list[Estimate]:
        rates = [level.rate_per_s for level in self.evidence]
        low, high = min(rates) / 2, max(rates) * 1.5
        found = []
        for index, slo in enumerate(self.settings.slos):
            cluster = pooled_cluster(self.evidence, index)
            seen = [
                Observation(level.rate_per_s, count.n, count.n if level.overloaded else count.over, cluster)
                for level in self.evidence
                if (count := level.counts[index]).n
            ]
            found.append(estimate(seen, slo, low, high))
        return found

    def best(self) -> Estimate:
        """The estimate of the objective that is hit first."""
        return min(self.estimates(), key=lambda found: found.rate_per_s)

    # Decisions

    @property
    def _left_s(self) -> float:
        return self.settings.budget_s - self.spent_s

    def _decide(self) -> Level | Done:
        if not self.evidence:
            return self._first()
        last = self.history[-1]
        if last.result.problems and len(self._invalid(last.rate_per_s)) < 2 and self._left_s > MINIMUM_S:
            return last.result.level
        if last.overloaded:
            # Without time to recover, a level would only tell of the backlog that it found.
            enough = self._left_s > 2 * (MINIMUM_S + self.settings.overhead_s)
            return self._pause() if enough else Done("budget")
        failed = [seen for seen in self.evidence if self.outcome(seen) == "fail"]
        suspect = self._suspect(failed)
        if suspect is not None and self._left_s > self.settings.confirm_s:
            return self._repeat(suspect)
        if not any(self._beyond_doubt(seen) for seen in failed):
            alone = [seen for seen in failed if len(self._alike(seen)) == 1]
            return self._repeat(alone[0]) if alone else self._upward()
        if len(failed) == len(self.evidence):
            return self._downward()
        return self._inward()

    def _alike(self, seen: Judged) -> list[Judged]:
        """Levels at about the same rate."""
        return [s for s in self.evidence if abs(s.rate_per_s / seen.rate_per_s - 1) < 0.03]

    def _suspect(self, failed: Sequence[Judged]) -> Judged | None:
        """A level that failed once while all just below it are calm: a moment's disturbance looks like that.

        A limit that lay there would show in them, as levels are placed where the limit is expected.
        """
        lowest = min(failed, key=lambda seen: seen.rate_per_s, default=None)
        if lowest is None or not self._far_over(lowest) or len(self._alike(lowest)) > 1:
            return None
        near = [s for s in self.evidence if 0.8 <= s.rate_per_s / lowest.rate_per_s < 1]
        calm = [s for s in near if s.result.level.purpose == "narrow" and self._calm(s, CALM)]
        return lowest if len(calm) >= 2 and len(calm) == len(near) else None

    def _beyond_doubt(self, seen: Judged) -> bool:
        """Whether a failed level is more than one bad moment: far beyond the limit, or failing again."""
        if self._far_over(seen):
            return True
        alike = self._alike(seen)
        return len(alike) > 1 and self._verdict([level.counts for level in alike]) == "fail"

    def _repeat(self, seen: Judged) -> Level | Done:
        if self._left_s < MINIMUM_S:
            return Done("budget")
        return Level(seen.rate_per_s, "repeat", 2 * self.settings.bracket_s, 3 * self.settings.bracket_s)

    def _first(self) -> Level | Done:
        if len(self.history) >= 2 or self._left_s < MINIMUM_S:
            return Done("not valid")
        return self._bracket(self.settings.start_per_s)

    def _invalid(self, rate_per_s: float) -> list[Judged]:
        """Levels at a rate or below that were no evidence."""
        return [s for s in self.history if s.result.problems and s.rate_per_s <= rate_per_s]

    @property
    def _ceiling_per_s(self) -> float:
        """The lowest rate at which levels were twice no evidence; nothing can be learnt above it."""
        rates = [s.rate_per_s for s in self.history if s.result.problems]
        return min((rate for rate in rates if len(self._invalid(rate)) > 1), default=math.inf)

    def _upward(self) -> Level | Done:
        highest = max(seen.rate_per_s for seen in self.evidence)
        top = min(self.settings.max_per_s, self._ceiling_per_s)
        if highest >= self.settings.max_per_s * 0.999:
            return self._confirm(self.settings.max_per_s, "max rate")
        if highest >= 0.85 * top:
            return self._confirm(highest, "not valid")
        if self._left_s < MINIMUM_S:
            return Done("budget")
        if top < self.settings.max_per_s:
            return self._bracket(min(highest * 2, math.sqrt(highest * top)))
        return self._bracket(min(highest * 2, top))

    def _downward(self) -> Level | Done:
        lowest = min(seen.rate_per_s for seen in self.evidence)
        if lowest <= self.settings.min_per_s * 1.001:
            return Done("min rate")
        if self._left_s < MINIMUM_S:
            return Done("budget")
        return self._bracket(max(lowest / 2, self.settings.min_per_s))

    def _inward(self) -> Level | Done:
        best = self.best()
        hold_s = self._hold_s(best.rate_per_s)
        narrow = [s for s in self.evidence if s.result.level.purpose == "narrow"]
        precise = len(narrow) >= 4 and best.spread <= self.settings.precision
        needed_s = hold_s + self.settings.confirm_s + 2 * self.settings.overhead_s
        if precise or self._left_s < needed_s:
            return self._confirm(self._safe(best), "precise" if precise else "budget")
        if best.spread > ROUGH and len(narrow) < 4:
            return Level(self._rough_guess(best), "narrow", 6, 10)
        # Levels on both sides of the limit tell the slope as well.
        side = (0.0, -0.7, 0.7)[len(narrow) % 3] * min(best.spread, ROUGH)
        top = min(self.settings.max_per_s, 0.95 * self._ceiling_per_s)
        return Level(min(best.rate_per_s * math.exp(side), top), "narrow", hold_s, hold_s * 1.5)

    def _rough_guess(self, best: Estimate) -> float:
        """While little is known: just below what came through in overload, if that is believable at all."""
        through = [s.achieved_per_s for s in self.evidence if s.overloaded]
        tried = [s.rate_per_s for s in self.evidence if s.result.level.purpose == "narrow"]
        if through and not tried:
            return min(max(0.95 * max(through), best.low_per_s), best.high_per_s)
        return best.rate_per_s

    def _hold_s(self, rate_per_s: float) -> float:
        """Long enough for 60 requests over the strictest limit and for the queue to forget how it began."""
        wanted = [60 / (rate_per_s * min(allowed(slo) for slo in self.settings.slos))]
        wanted += [
            MEMORIES * memory_s(rate_per_s, slo) for slo in self.settings.slos if slo.metric == "latency"
        ]
        return min(max(*wanted, 12.0), HOLD_AT_MOST_S)

    def _safe(self, best: Estimate) -> float:
        """A rate that should pass: the interval's lower end, or what was kept where that end lies far off."""
        kept = [s.rate_per_s for s in self.evidence if s.kept_all and s.rate_per_s <= best.rate_per_s]
        return max(best.low_per_s, min(max(kept, default=0.0), 0.9 * best.rate_per_s))

    def _confirm(self, rate_per_s: float, reason: Reason) -> Level | Done:
        """One last level at a rate that should pass; another, lower, while it does not and time is left."""
        tried = [s for s in self.evidence if s.result.level.purpose == "confirm"]
        passed = any(seen.kept_all for seen in tried)
        lower = not tried or rate_per_s < 0.995 * min(s.rate_per_s for s in tried)
        held = min(self.settings.confirm_s, self._left_s - self.settings.overhead_s)
        if passed or not lower or held < MINIMUM_S:
            return Done(reason)
        return Level(rate_per_s, "confirm", held, held)

    def _pause(self) -> Level:
        """A rate that drains the backlog in some 4 seconds without leaving the system idle."""
        through = max(self.history[-1].achieved_per_s, self.settings.min_per_s)
        backlog = self.history[-1].result.windows[-1].in_flight
        return Level(max(0.25 * through, min(through - backlog / 4, 0.75 * through)), "recover", 2, 30)

    def _bracket(self, rate_per_s: float) -> Level:
        return Level(rate_per_s, "bracket", self.settings.bracket_s, 3 * self.settings.bracket_s)

    def _numbered(self, level: Level) -> Level:
        left = max(self._left_s - self.settings.overhead_s, 1.0)
        return Level(
            level.rate_per_s, level.purpose, min(level.min_s, left), min(level.max_s, left), len(self.history)
        )

    def _clear(self, level: Level, windows: Sequence[Window]) -> bool:
        """Whether a bracketing level has said enough: clearly failed, or nothing near the limit."""
        seen = judge(LevelResult(level, tuple(windows), 0.0), self.settings.slos)
        return self.outcome(seen) == "fail" or all(count.measure < 0.7 for count in seen.counts if count.n)

    def _recovered(self, last: Window) -> bool:
        """Whether the backlog is down to what a system near its limit has: not to nothing."""
        limits = [slo.limit for slo in self.settings.slos if slo.metric != "errors"]
        return last.mean_response_us <= min(limits, default=1e6) / 3 or last.scheduled == 0
