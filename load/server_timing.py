"""What a system says of its own time in an answer's `Server-Timing` header (W3C)."""

from __future__ import annotations

import re
from typing import Final

_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')


def server_timing_us(header: str) -> dict[str, float]:
    """Its parts with a duration, in microseconds by name: `pool;dur=1.2, db;dur=3.4;desc="x"` is in ms.

    Entries that cannot be read are left out; a name given twice adds up.
    """
    if '"' in header:
        header = _QUOTED.sub(_without_separators, header)
    parts: dict[str, float] = {}
    for entry in header.split(","):
        name, *parameters = entry.split(";")
        name = name.strip()
        for parameter in parameters:
            key, _, number = parameter.partition("=")
            if key.strip().lower() == "dur" and name:
                duration_us = _milliseconds_as_us(number)
                if duration_us is not None:
                    parts[name] = parts.get(name, 0.0) + duration_us
                break
    return parts


def _without_separators(quoted: re.Match[str]) -> str:
    """A quoted value may hold what separates entries, which is of no interest, or be the duration itself."""
    return quoted[1].translate({ord(","): None, ord(";"): None})


def _milliseconds_as_us(text: str) -> float | None:
    try:
        duration_us = float(text) * 1000
    except ValueError:
        return None
    return duration_us if 0 <= duration_us < 1e12 else None  # also refuses nan and infinity
