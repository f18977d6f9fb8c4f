"""What a search found when it ended."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.capacity.claim import Capacity, LevelPoint, SloLimit
from analysis.capacity.findings import Findings
from analysis.capacity.fit import Estimate
from analysis.capacity.judge import Judged, Outcome
from analysis.capacity.level import Done, Reason
from results import Slo
from results.units import show_rate

ALIKE = 0.005
"""Levels whose rates differ by less, relative, are one point of the answer."""

_NOT_FOUND = {
    "max rate": "it never failed up to the highest rate allowed",
    "min rate": "it failed at the lowest rate allowed",
    "budget": "the time was up before a limit was found",
    "not valid": "levels beyond were no evidence",
    "precise": "no level was evidence",
    "interrupted": "it was interrupted before a limit was found",
    "aborted": "the search could not be ended",
}


def answer(findings: Findings, done: Done) -> Capacity:
    """What the search found when it ended. Pure."""
    points = [_point(findings, seen) for seen in findings.history]
    evidence = [
        (seen, point) for seen, point in zip(findings.history, points, strict=True) if findings.counts(seen)
    ]
    limits = _limits(findings, [seen for seen, _ in evidence])
    hit = [limit for limit in limits if limit.rate_per_s is not None]
    # A limit is only one between a rate that was kept and one that was not.
    reason: Reason = "not measured" if findings.unmeasured else done.reason
    found = bool(hit) and any(point.kept for _, point in evidence) and reason != "not measured"
    first = min(hit, key=lambda limit: limit.rate_per_s or 0.0) if found else None
    around = first.rate_per_s if first else None
    last_pass, first_fail, contradicting = _bounds([point for _, point in evidence], around)
    through = [seen.achieved_per_s for seen, _ in evidence]
    return Capacity(
        found=found,
        why="" if found else _why(reason, points, findings.unmeasured),
        reason=reason,
        rate_per_s=around,
        low_per_s=first.low_per_s if first else None,
        high_per_s=first.high_per_s if first else None,
        first_hit=first.slo if first else None,
        limits=tuple(limits),
        last_pass=last_pass,
        first_fail=first_fail,
        contradicting=contradicting,
        max_per_s=max(through, default=None),
        max_is_bound=any(seen.overloaded for seen, _ in evidence),
        spent_s=findings.spent_s,
        levels=tuple(points),
    )


def _why(reason: Reason, points: Sequence[LevelPoint], unmeasured: Sequence[Slo]) -> str:
    """Why no bound was found; what spoiled the levels is named with the first above all that are evidence."""
    if reason == "not measured":
        names = sorted({slo.endpoint or "any endpoint" for slo in unmeasured})
        return f"no request of {', '.join(names)} was measured"
    proven = max((p.rate_per_s for p in points if not p.problems and p.purpose != "recover"), default=0.0)
    spoiled = [point for point in points if point.problems and point.rate_per_s > proven]
    if reason != "not valid" or not spoiled:
        return _NOT_FOUND[reason]
    first = min(spoiled, key=lambda point: point.rate_per_s)
    return f"from {show_rate(first.rate_per_s)} on levels were no evidence ({first.problems[0]})"


def _limits(findings: Findings, evidence: Sequence[Judged]) -> list[SloLimit]:
    """Each objective's limit, where a level went beyond it."""
    if not evidence:
        return [SloLimit(slo, None, None, None) for slo in findings.settings.slos]
    found: list[SloLimit] = []
    for index, (slo, fit) in enumerate(zip(findings.settings.slos, findings.estimates(), strict=True)):
        beyond = [seen for seen in evidence if seen.counts[index].n and seen.counts[index].measure > 1]
        hit = bool(beyond) and fit.rate_per_s <= 1.05 * max(seen.rate_per_s for seen in evidence)
        found.append(_limit(slo, fit) if hit else SloLimit(slo, None, None, None))
    return found


def _limit(slo: Slo, fit: Estimate) -> SloLimit:
    return SloLimit(slo, fit.rate_per_s, fit.low_per_s, fit.high_per_s)


def _point(findings: Findings, seen: Judged) -> LevelPoint:
    level = seen.result.level
    outcome: Outcome = findings.outcome(seen) if findings.counts(seen) else "invalid"
    problems = seen.result.problems
    if findings.disturbed(seen):
        problems = (*problems, "contradicted by a later level at its rate: something else took the machine")
    shares = tuple(count.measure for count in seen.counts)
    windows = seen.result.windows
    recovered = findings.recovered(windows[-1]) if level.purpose == "recover" and windows else None
    return LevelPoint(
        level.number, level.purpose, level.rate_per_s, seen.achieved_per_s, len(windows),
        seen.settle_s, outcome, seen.kept_all, seen.steady, seen.overloaded, shares, problems,
        recovered,
    )  # fmt: skip


def _bounds(
    points: Sequence[LevelPoint], around: float | None
) -> tuple[LevelPoint | None, LevelPoint | None, int]:
    """The last rate that passed and the first that failed, on their sides of the limit found.

    Near the limit noise lets levels contradict each other: how many lie on the wrong side is told.
    """
    kept = sorted((p for p in points if p.kept), key=lambda p: p.rate_per_s)
    missed = sorted((p for p in points if not p.kept), key=lambda p: p.rate_per_s)
    if around is None:
        return (kept[-1] if kept else None), (missed[0] if missed else None), 0
    below = [p for p in kept if p.rate_per_s <= around * (1 + ALIKE)]
    above = [p for p in missed if p.rate_per_s >= around * (1 - ALIKE)]
    contradicting = len(kept) - len(below) + len(missed) - len(above)
    last_pass = below[-1] if below else kept[0] if kept else None
    first_fail = next((p for p in above if last_pass is None or p.rate_per_s > last_pass.rate_per_s), None)
    return last_pass, first_fail, contradicting
