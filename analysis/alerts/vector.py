"""An instant vector at every moment of a grid at once: what PromQL's operators work on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from results import UsageError

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Labels = tuple[tuple[str, str], ...]
"""Name and value, in order of name."""
NAME = "__name__"


@dataclass(frozen=True)
class Element:
    """One element over all moments, arrays of shape (moments,): its values, and where it exists at all.

    A value that is not a number exists, as in Prometheus: 0 / 0 is not the same as nothing.
    """

    labels: Labels
    values: Floats
    here: Bools

    def without_name(self) -> Element:
        """The same under no metric's name, as whatever was computed has none."""
        return Element(but(self.labels, (NAME,)), self.values, self.here)

    def get(self, name: str) -> str:
        """A label's value; empty where it has none, which is the same to PromQL."""
        return dict(self.labels).get(name, "")


Vector = list[Element]


def labels_of(pairs: Iterable[tuple[str, str]]) -> Labels:
    """Labels in their order, empty ones left out."""
    return tuple(sorted((name, value) for name, value in pairs if value))


def only(labels: Labels, names: Iterable[str]) -> Labels:
    """The labels with these names."""
    wanted = set(names)
    return tuple(pair for pair in labels if pair[0] in wanted)


def but(labels: Labels, names: Iterable[str]) -> Labels:
    """The labels without these names."""
    dropped = set(names)
    return tuple(pair for pair in labels if pair[0] not in dropped)


def grouped(elements: Iterable[tuple[Labels, Element]]) -> Iterator[tuple[Labels, Vector]]:
    """Elements by a key, in order of the key's first appearance."""
    groups: dict[Labels, Vector] = {}
    for key, element in elements:
        groups.setdefault(key, []).append(element)
    yield from groups.items()


def merged(vector: Vector) -> Vector:
    """Elements of the same labels as one. Raises UsageError where two exist at the same moment."""
    found = []
    for labels, elements in grouped((element.labels, element) for element in vector):
        values, here = elements[0].values.copy(), elements[0].here.copy()
        for other in elements[1:]:
            if (here & other.here).any():
                raise UsageError(f"two series have the same labels {shown(labels)} at the same time")
            values[other.here], here = other.values[other.here], here | other.here
        found.append(Element(labels, values, here))
    return found


def shown(labels: Labels) -> str:
    """`{tier="api", instance="api1"}`."""
    return "{" + ", ".join(f'{name}="{value}"' for name, value in labels) + "}"
