"""What a gate says: what was judged, pass, fail or inconclusive, and the exit code that says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from analysis.compare.sides import Verdict

Inconclusive = Literal["report", "pass", "fail"]
EXIT_CODES: dict[Verdict, int] = {"pass": 0, "fail": 3, "inconclusive": 4}
_ORDER: list[Verdict] = ["fail", "inconclusive", "pass"]


@dataclass(frozen=True)
class Outcome:
    """One thing that was judged, and what was found. Without those that `decides` there is no pass."""

    name: str
    where: str
    verdict: Verdict
    text: str
    decides: bool = False


@dataclass(frozen=True)
class GateResult:
    """The gate's answer. `verdict` is what was found; `exit_code` follows what was asked for where it is
    inconclusive."""

    name: str
    kind: Literal["objectives", "duel", "baseline"]
    verdict: Verdict
    sentence: str
    outcomes: list[Outcome]
    exit_code: int
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return asdict(self)

    def told(self, most: int) -> list[Outcome]:
        """What a reader wants to see first, at most so many: what failed, what the verdict rests on.

        What passed without deciding anything is left to `rest`, and so is what is open where that is not
        the verdict.
        """
        verdicts = {"fail", self.verdict} - {"pass"}
        shown = [one for one in self.outcomes if one.decides or one.verdict in verdicts]
        return sorted(shown, key=lambda one: (_ORDER.index(one.verdict), not one.decides))[:most]

    def rest(self, most: int) -> list[Outcome]:
        """All that `told` leaves out."""
        shown = {id(one) for one in self.told(most)}
        left = [one for one in self.outcomes if id(one) not in shown]
        return sorted(left, key=lambda one: _ORDER.index(one.verdict))

    def rest_counted(self, most: int) -> str:
        """How many `told` leaves out, by verdict: `4 more failed, 3 cannot be told, 20 passed`."""
        left = [one.verdict for one in self.rest(most)]
        words = {"fail": "more failed", "inconclusive": "cannot be told", "pass": "passed"}
        counts = [f"{left.count(verdict)} {words[verdict]}" for verdict in _ORDER if verdict in left]
        return ", ".join(counts)


def exit_code(verdict: Verdict, inconclusive: Inconclusive = "report") -> int:
    """0 passed, 3 failed, 4 inconclusive; or what an inconclusive answer is to count as."""
    if verdict == "inconclusive" and inconclusive != "report":
        return EXIT_CODES[inconclusive]
    return EXIT_CODES[verdict]


def decide(outcomes: Sequence[Outcome]) -> Verdict:
    """Fail if anything failed, else inconclusive if anything was; nothing judged is inconclusive too."""
    verdicts = {outcome.verdict for outcome in outcomes}
    return next((verdict for verdict in _ORDER if verdict in verdicts), "inconclusive")
