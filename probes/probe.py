"""What a probe is: something of one tier that can be asked, and may fail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from results.series import Kind


class Reading(NamedTuple):
    """One figure, of an instance where it is not the probe's own."""

    metric: str
    value: float
    kind: Kind = "gauge"
    instance: str = ""


class Unknown(NamedTuple):
    """A figure that the tier has, but cannot tell now: a gap with its reason, never a zero."""

    metric: str
    reason: str


class ProbeError(Exception):
    """The tier could not be asked: one line, without credentials."""


class Probe(Protocol):
    """One thing to be asked each second."""

    @property
    def tier(self) -> str:
        """The tier that it asks."""

    @property
    def instance(self) -> str:
        """Which of the tier's instances, or `tier` again where there is one."""

    @property
    def calls(self) -> Counter[str]:
        """What it has asked of the system so far, by tier: statements, commands and pages."""

    def sample(self) -> Sequence[Reading | Unknown]:
        """What it says now. Raises ProbeError."""

    def close(self) -> None:
        """Let go of connections."""
