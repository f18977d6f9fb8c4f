"""What gives way first: the ranking of a diagnosis, each place with its evidence and what to try."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from reports.parts import Block, Note, Ranked, Section
from reports.words import sentence

if TYPE_CHECKING:
    from analysis.bottleneck import Bottleneck, Diagnosis

_MOST = 6


def ranked(diagnosis: Diagnosis | None) -> Section | None:
    """The section of a run's page; None where nothing was diagnosed."""
    if diagnosis is None:
        return None
    lead = f"Judged at {diagnosis.at}." if diagnosis.at else ""
    return Section("bottleneck", "What gives way first", lead, blocks(diagnosis))


def blocks(diagnosis: Diagnosis, shown: Collection[str] = (), otherwise: str = "") -> list[Block]:
    """The ranking, or the sentence that says why there is none, and what was not watched.

    `shown` are the tiers with a section of their own on the page: evidence links there, or to `otherwise`.
    """
    found: list[Block] = []
    if diagnosis.ranked:
        ranking = diagnosis.ranked[:_MOST]
        hrefs = [f"#tier-{one.tier}" if one.tier in shown else otherwise for one in ranking]
        names = {one.code: one.name for one in diagnosis.ranked}
        lines = [(title(one), words(one, names.get(one.explained_by, ""))) for one in ranking]
        found.append(Ranked(lines, hrefs))
    else:
        found.append(Note(diagnosis.sentence, "good" if diagnosis.state == "none" else "warn"))
    found += [Note(sentence(doubt), "warn") for doubt in diagnosis.doubts]
    if diagnosis.missing and diagnosis.ranked:
        found.append(Note(sentence(f"not watched: {'; '.join(diagnosis.missing)}"), "muted"))
    return found


def first_line(diagnosis: Diagnosis) -> str:
    """What gives way first with its evidence and what to try, in one line for a terminal."""
    first = diagnosis.first
    if first is None:
        return f"first to give way: {diagnosis.sentence}"
    return f"first to give way: {diagnosis.sentence} {sentence(f'to try: {first.to_try}')}"


def title(one: Bottleneck) -> str:
    """Its name as the head of a line."""
    short = one.name.removeprefix("the ").rstrip(",")
    return short[0].upper() + short[1:]


def words(one: Bottleneck, cause: str) -> str:
    """Evidence, the name of what causes it if anything, what to try, and what stands next in line."""
    follows = f" A consequence of {cause} giving way." if cause else ""
    return f"{sentence(one.observed)}{follows} {sentence(one.to_try)}".strip()
