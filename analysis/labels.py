"""Endpoints that differ only in a label: a team's size, a class of files; `todo.list [large team]`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from analysis.endpoints import EndpointTotal, added

_NAME = re.compile(r"(.*\S)\s+\[([^\[\]]+)\]")
_SIZE = re.compile(r"([\d.]+)\s*(B|KiB|MiB|GiB)")
_UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def split_label(name: str) -> tuple[str, str]:
    """An endpoint's name and its label; brackets within a path, as in `/todos/[id]`, are none."""
    found = _NAME.fullmatch(name)
    return (found[1], found[2]) if found else (name, "")


@dataclass(frozen=True)
class Labelled:
    """Endpoints of one name by label, in the order of the labels' sizes where they are such."""

    name: str
    by_label: dict[str, EndpointTotal]


def by_label(totals: Iterable[EndpointTotal]) -> list[Labelled]:
    """The endpoints that have labels, by name; each with the labels that were seen of it."""
    groups: dict[str, dict[str, EndpointTotal]] = {}
    for total in totals:
        name, label = split_label(total.endpoint.name)
        if label and total.requests:
            groups.setdefault(name, {})[label] = total
    return [Labelled(name, dict(sorted(found.items(), key=_place))) for name, found in groups.items()]


def over_names(groups: Iterable[Labelled], span_s: float) -> dict[str, EndpointTotal]:
    """All endpoints of each label together."""
    pieces: dict[str, list[EndpointTotal]] = {}
    for group in groups:
        for label, total in group.by_label.items():
            pieces.setdefault(label, []).append(total)
    return {label: added(totals, span_s) for label, totals in sorted(pieces.items(), key=_place)}


def size_bytes(label: str) -> float | None:
    """What a label such as `256 KiB` says; None where it is no size."""
    found = _SIZE.fullmatch(label)
    return float(found[1]) * _UNITS[found[2]] if found else None


def _place(item: tuple[str, object]) -> tuple[float, str]:
    words = ("small", "medium", "large")
    size = size_bytes(item[0])
    known = next((float(n) for n, word in enumerate(words) if item[0].startswith(word)), 9.0)
    return (size if size is not None else known), item[0]
