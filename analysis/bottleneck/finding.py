"""What a diagnosis consists of: bottlenecks with evidence, in words and as data."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Evidence:
    """One observation that speaks for a bottleneck; `tier` and `metric` say where the page shows it."""

    text: str
    tier: str
    instance: str = ""
    metric: str = ""


@dataclass(frozen=True)
class Bottleneck:
    """One thing that gives way. `strength` (0 to 1) is how sure and how heavy it is.

    `name` fits into "Then ... gives way"; `component` is the part of the response time that it lengthens;
    `share_of_added` how much of the added latency that part makes up, None where it cannot be told;
    `explains` are codes of other bottlenecks that are its consequences.
    `use` is what tables of resources call the one that is full, empty where it is none of them.
    """

    code: str
    tier: str
    name: str
    resource: str
    strength: float
    evidence: tuple[Evidence, ...]
    advice: str
    utilisation: float | None = None
    component: str = ""
    share_of_added: float | None = None
    next_limit: str = ""
    use: str = ""
    explains: frozenset[str] = field(default_factory=frozenset)
    explained_by: str = ""

    @property
    def to_try(self) -> str:
        """What to try, and what is known of where the limit moves then."""
        return f"{self.advice} ({self.next_limit})" if self.next_limit else self.advice

    @property
    def observed(self) -> str:
        """The evidence in words, with the share of the added latency that the first piece stands for."""
        first, *others = (one.text for one in self.evidence)
        share = f", {self.share_of_added:.0%} of the added latency" if self.share_of_added else ""
        return "; ".join([f"{first}{share}", *others])

    @property
    def sentence(self) -> str:
        """What is full, and the evidence."""
        return f"{self.resource}: {self.observed}"


@dataclass(frozen=True)
class Diagnosis:
    """What gives way first, and what stands next in line, the first cause first.

    `state`: "found"; "none" where the objectives are kept and nothing is full; "cannot tell" where answers
    are late and nothing that was watched explains it; "generator" where the load generator is the limit, so
    that nothing can be claimed about the system. `missing` says what was not watched.
    """

    state: Literal["found", "none", "cannot tell", "generator"]
    ranked: tuple[Bottleneck, ...]
    missing: tuple[str, ...]
    at: str
    """The level it was judged at, in words."""
    doubts: tuple[str, ...] = ()
    """What speaks against the figures that it rests on."""

    @property
    def first(self) -> Bottleneck | None:
        """The bottleneck that is named."""
        return self.ranked[0] if self.ranked else None

    @property
    def sentence(self) -> str:
        """The diagnosis in one sentence."""
        if self.first is not None:
            return f"{self.first.sentence}."
        if self.state == "none":
            return "Nothing gives way: no tier is full, and no part of the response time stands out."
        if not self.missing:
            return "What gives way cannot be told: no resource that was watched was full."
        return f"What gives way cannot be told from what was watched. Not watched: {'; '.join(self.missing)}."

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        ranked = [
            asdict(one) | {"sentence": one.sentence, "explains": sorted(one.explains)} for one in self.ranked
        ]
        return {
            "state": self.state,
            "at": self.at,
            "sentence": self.sentence,
            "ranked": ranked,
            "missing": list(self.missing),
            "doubts": list(self.doubts),
        }
