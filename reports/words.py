"""Numbers and small sentences as the pages say them."""

from __future__ import annotations

import math

from results.units import show_latency, show_ratio, three_digits

NONE = "–"
_ALMOST = 0.9949
"""From this share on two decimals are told."""


def show_bytes(value: float) -> str:
    """Bytes for people: `310 B`, `8.6 KiB`, `6.1 MiB`."""
    if not math.isfinite(value):
        return NONE
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(value) < 1000:
            return f"{three_digits(value)} {unit}"
        value /= 1024
    return f"{three_digits(value)} TiB"


def show_count(value: float) -> str:
    """A count: whole numbers whole, thousands separated."""
    if not math.isfinite(value):
        return NONE
    return f"{value:,.0f}" if value == round(value) else three_digits(value)


def show_value(value: float, unit: str) -> str:
    """A value in one of the units of analysis.tiers."""
    if not math.isfinite(value):
        return NONE
    match unit:
        case "ratio":
            return show_ratio(value)
        case "bytes":
            return show_bytes(value)
        case "ms":
            return show_latency(value * 1e3) if value else "0 ms"
        case "per_s":
            return f"{three_digits(value)}/s"
        case "cores":
            return three_digits(value)
        case _:
            return show_count(value)


def show_share(share: float) -> str:
    """A share of a whole where digits do not matter: `41%`, `<1%`."""
    if not math.isfinite(share):
        return NONE
    return "<1%" if 0 < share < 0.005 else f"{share:.0%}"


def show_nearly(share: float) -> str:
    """A share as per cent that is never rounded up to the whole: `99.99%`."""
    if _ALMOST < share < 1:
        return f"{math.floor(share * 1e4) / 1e2:.2f}%"
    return show_ratio(share)


def counted(number: int, one: str, many: str = "") -> str:
    """`1 objective`, `3 objectives`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listed(words: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1] if words else ""


def sentence(words: str) -> str:
    """Words with a full stop and a capital first letter, unless the first is a name (`todo.list`)."""
    words = words.strip()
    if not words:
        return ""
    end = "" if words[-1] in ".!?" else "."
    first = words.split(maxsplit=1)[0].rstrip(".,:;")
    is_name = any(sign in first for sign in "./_'") or words.split(maxsplit=1)[0].endswith(":")
    return (words if is_name else words[0].upper() + words[1:]) + end
