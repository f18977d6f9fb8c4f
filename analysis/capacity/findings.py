"""What the levels of a search say, one by one and all together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from analysis.capacity.fit import Estimate, Observation, estimate
from analysis.capacity.judge import Judged, Outcome, SloCount, judge, pooled_cluster
from analysis.capacity.level import LevelResult, Window
from analysis.capacity.settings import Settings
from results import Slo

DEEP = 8.0
"""A level with this many times the allowed share over the limit fails beyond doubt."""
ENOUGH_ARRIVALS = 2000
"""Requests that are one in several hundred arrivals have come by then."""
KEPT = 0.7
"""A level with less than this of the allowed share over its limits keeps them clearly."""


@dataclass
class Findings:
    """The levels held so far, in order of time. `observe` remembers; nothing else has an effect."""

    settings: Settings
    history: list[Judged] = field(default_factory=list)
    spent_s: float = 0.0
    _estimates: list[Estimate] = field(default_factory=list, repr=False)
    _estimated: int = 0

    def observe(self, result: LevelResult) -> None:
        """Take in what a level did."""
        self.history.append(judge(result, self.settings.slos))
        self.spent_s += result.took_s

    def extend(self, late: Window) -> None:
        """Take in one more second of the last level, known after its judgement; pauses stay as they are."""
        last = self.history[-1].result
        if last.level.purpose != "recover":
            longer = replace(last, windows=(*last.windows, late))
            self.history[-1] = judge(longer, self.settings.slos)
            self._estimated = 0

    @property
    def evidence(self) -> list[Judged]:
        """Valid levels that were held to judge the system, and that no later one contradicts."""
        return [seen for seen in self.history if self.counts(seen)]

    def counts(self, seen: Judged) -> bool:
        """Whether a level is such evidence."""
        return _is_held(seen) and not self.disturbed(seen)

    @property
    def _held(self) -> list[Judged]:
        return [seen for seen in self.history if _is_held(seen)]

    def disturbed(self, seen: Judged) -> bool:
        """Whether a level failed by far, and a later one at its rate or above was clearly kept.

        Both cannot be the system's own: something else took the machine for a moment.
        """
        later = self._held[self._held.index(seen) + 1 :] if seen in self._held else []
        return far_over(seen) and any(
            one.rate_per_s >= 0.995 * seen.rate_per_s and within(one, KEPT) for one in later
        )

    @property
    def bracketed(self) -> bool:
        """Whether a level was kept and one was not, so that the limit lies between rates that were tried."""
        return len({seen.kept_all for seen in self.evidence}) == 2

    @property
    def unmeasured(self) -> list[Slo]:
        """Objectives without any request in all the evidence there is."""
        evidence, slos = self.evidence, enumerate(self.settings.slos)
        return [slo for index, slo in slos if evidence and not any(seen.counts[index].n for seen in evidence)]

    @property
    def has_had_time(self) -> bool:
        """Whether there were arrivals enough for every endpoint to have had requests."""
        return sum(w.scheduled for seen in self.evidence for w in seen.kept) >= ENOUGH_ARRIVALS

    def recovered(self, last: Window) -> bool:
        """Whether a pause's last window shows its backlog down to what a system near its limit has.

        That is not to nothing.
        """
        limits = [slo.limit for slo in self.settings.slos if slo.metric != "errors"]
        return last.mean_response_us <= min(limits, default=1e6) / 3 or last.scheduled == 0

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
        if "fail" in verdicts:
            return "fail"
        # An objective without requests was not kept, and the others alone do not make a level pass.
        return "pass" if verdicts == {"pass"} else "invalid" if verdicts == {"invalid"} else "unclear"

    def alike(self, seen: Judged) -> list[Judged]:
        """Levels at about the same rate."""
        return [s for s in self.evidence if abs(s.rate_per_s / seen.rate_per_s - 1) < 0.03]

    def beyond_doubt(self, failed: Judged) -> bool:
        """Whether a failed level is more than one bad moment: far beyond the limit, or failing again."""
        if far_over(failed):
            return True
        alike = self.alike(failed)
        return len(alike) > 1 and self._verdict([level.counts for level in alike]) == "fail"

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


def _is_held(seen: Judged) -> bool:
    return seen.valid and seen.result.level.purpose != "recover"


def far_over(seen: Judged) -> bool:
    """Whether a level failed by far."""
    return seen.overloaded or max((count.measure for count in seen.counts if count.n), default=0.0) > DEEP


def within(seen: Judged, measure: float) -> bool:
    """Whether a level stayed below so much of what each objective allows."""
    return not seen.overloaded and all(count.measure < measure for count in seen.counts if count.n)
