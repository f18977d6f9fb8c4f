"""The capacity search as a state machine without clock or I/O: ask `next`, hold the level, `observe` it.

Doubling finds a rate that fails; then each level is placed where all levels together expect the limit
(analysis.capacity.fit), until the answer is as precise as asked or the budget is nearly spent. A level that
overloaded the system is followed by a pause at a low rate; a level that is not valid is no evidence; the
level that confirms the answer runs last.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.capacity.findings import KEPT, Findings, far_over, within
from analysis.capacity.fit import Estimate
from analysis.capacity.judge import Judged, judge, overloaded
from analysis.capacity.level import Done, Level, LevelResult, Reason, Window
from analysis.capacity.queue import memory_s
from analysis.slo import allowed
from analysis.steady import trend

ROUGH = 0.08
"""While the limit's interval is wider than this (half, relative), levels are short."""
MINIMUM_S = 5.0
"""No level is begun with less time than this left."""
CALM = 0.3
"""A level with less than this of the allowed share over its limits is not near the limit."""
HOLD_AT_MOST_S = 30.0
TRIES = 3
"""So many levels that are no evidence, with none above that is, are taken for a ceiling."""
MEMORIES = 3.0
"""Levels near the limit last this many times the queue's memory."""


@dataclass
class Search(Findings):
    """One search: what its levels say, and what to do next. `next` and `enough` decide."""

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
            return held >= level.min_s and self.recovered(windows[-1])
        if held >= 4 and overloaded(windows, self.settings.slos):
            return level.purpose == "bracket" or held >= level.min_s / 2
        if held < level.min_s:
            return False
        if level.purpose in ("bracket", "repeat"):
            return self._clear(level, windows)
        means = [math.log(max(w.mean_response_us, 1.0)) for w in windows]
        return not trend(means[held // 4 :]).matters()

    def _clear(self, level: Level, windows: Sequence[Window]) -> bool:
        """Whether a bracketing level has said enough: clearly failed, or nothing near the limit."""
        seen = judge(LevelResult(level, tuple(windows), 0.0), self.settings.slos)
        return self.outcome(seen) == "fail" or within(seen, KEPT)

    @property
    def _left_s(self) -> float:
        return self.settings.budget_s - self.spent_s

    def _decide(self) -> Level | Done:
        if not self.evidence:
            return self._first()
        if self.unmeasured and self.has_had_time:
            return Done("not measured")
        last = self.history[-1]
        once_more = last.result.problems and 0 < len(self._invalid(last.rate_per_s)) < TRIES
        if once_more and self._left_s > MINIMUM_S:
            return last.result.level
        if last.overloaded:
            # Without time to recover, a level would only tell of the backlog that it found.
            enough = self._left_s > 2 * (MINIMUM_S + self.settings.overhead_s)
            return self._pause() if enough else Done("budget")
        failed = [seen for seen in self.evidence if self.outcome(seen) == "fail"]
        suspect = self._suspect(failed)
        if suspect is not None and self._left_s > self.settings.confirm_s:
            return self._repeat(suspect)
        if not any(self.beyond_doubt(seen) for seen in failed):
            alone = [seen for seen in failed if len(self.alike(seen)) == 1]
            return self._repeat(alone[0]) if alone else self._upward()
        if len(failed) == len(self.evidence):
            return self._downward()
        return self._inward()

    def _suspect(self, failed: Sequence[Judged]) -> Judged | None:
        """A level that failed once while all just below it are calm: a moment's disturbance looks like that.

        A limit that lay there would show in them, as levels are placed where the limit is expected.
        """
        lowest = min(failed, key=lambda seen: seen.rate_per_s, default=None)
        if lowest is None or not far_over(lowest) or len(self.alike(lowest)) > 1:
            return None
        near = [s for s in self.evidence if 0.8 <= s.rate_per_s / lowest.rate_per_s < 1]
        calm = [s for s in near if s.result.level.purpose == "narrow" and within(s, CALM)]
        return lowest if len(calm) >= 2 and len(calm) == len(near) else None

    def _repeat(self, seen: Judged) -> Level | Done:
        if self._left_s < MINIMUM_S:
            return Done("budget")
        return Level(seen.rate_per_s, "repeat", 2 * self.settings.bracket_s, 3 * self.settings.bracket_s)

    def _first(self) -> Level | Done:
        if len(self.history) >= TRIES or self._left_s < MINIMUM_S:
            return Done("not valid")
        return self._bracket(self.settings.start_per_s)

    def _invalid(self, rate_per_s: float) -> list[Judged]:
        """Levels up to a rate that were no evidence, where none that high was: those below had bad luck."""
        proven = max((seen.rate_per_s for seen in self._held), default=0.0)
        return [s for s in self.history if s.result.problems and proven < s.rate_per_s <= rate_per_s]

    @property
    def _ceiling_per_s(self) -> float:
        """The lowest rate at which levels were no evidence time and again; nothing can be learnt above it."""
        rates = [s.rate_per_s for s in self.history if s.result.problems]
        return min((rate for rate in rates if len(self._invalid(rate)) >= TRIES), default=math.inf)

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
