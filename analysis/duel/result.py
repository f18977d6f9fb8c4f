"""What a duel found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from analysis.compare.causes import Cause
from analysis.compare.figures import OVERALL
from analysis.compare.sides import Comparison, Verdict

DECIDING = ((OVERALL, "typical"), (OVERALL, "errors"))


@dataclass(frozen=True)
class DuelResult:
    """What a duel found, doubts included. `final` is False where more pairs are still to come."""

    verdict: Verdict
    sentence: str
    comparisons: list[Comparison]
    causes: list[Cause]
    pairs: int
    max_pairs: int
    final: bool
    more_pairs: int | None
    """About how many more pairs would make it clear; None where it is clear, or where no number would."""
    alpha: float
    doubts: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return asdict(self)

    def find(self, endpoint: str, metric: str) -> Comparison:
        """One comparison. Raises KeyError."""
        for comparison in self.comparisons:
            if (comparison.endpoint, comparison.metric) == (endpoint, metric):
                return comparison
        raise KeyError((endpoint, metric))


def overall_verdict(comparisons: Sequence[Comparison]) -> Verdict:
    """Fail if any comparison failed; pass if all that decide passed; otherwise inconclusive."""
    if any(comparison.verdict == "fail" for comparison in comparisons):
        return "fail"
    deciding = [comparison for comparison in comparisons if comparison.key in DECIDING]
    if deciding and all(comparison.verdict == "pass" for comparison in deciding):
        return "pass"
    return "inconclusive"
