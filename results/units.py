"""How durations and rates are written, read and shown."""

from __future__ import annotations

import math
import re

from results.errors import UsageError

_SECONDS = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_PIECE = re.compile(r"(\d+(?:\.\d+)?)\s*(us|µs|ms|min|s|m|h|d)")
_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:/|per\s+)\s*(s|m|min|h)", re.IGNORECASE)


def parse_duration_s(text: str) -> float:
    """Seconds in a duration such as `30s`, `1m30s`, `250ms`. Raises UsageError."""
    whole = text.strip().lower()
    if not whole or _PIECE.sub("", whole).strip():
        raise UsageError(f"'{text}' is not a duration: write it like 30s, 1m30s or 250ms")
    return sum(float(number) * _SECONDS[unit] for number, unit in _PIECE.findall(whole))


def parse_rate_per_s(text: str) -> float:
    """Arrivals per second in a rate such as `200/s` or `900/m`. Raises UsageError."""
    found = _RATE.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"'{text}' is not a rate: write it like 200/s")
    return float(found[1]) / _SECONDS[found[2].lower()]


def show_duration(seconds: float) -> str:
    """A duration for people: `250 ms`, `12 s`, `1 min 30 s`, `2 h 05 min`."""
    if math.isnan(seconds):
        return "–"
    if 0 < seconds < 1:
        return show_latency(seconds * 1e6)
    if seconds < 90:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def show_latency(value_us: float) -> str:
    """A latency for people, 3 significant digits and its unit: `0.31 ms`, `48 ms`, `1.25 s`."""
    if math.isnan(value_us):
        return "–"
    if value_us < 100:
        return f"{three_digits(value_us)} µs"
    if value_us < 999_500:
        return f"{three_digits(value_us / 1e3)} ms"
    return f"{three_digits(value_us / 1e6)} s"


def three_digits(value: float) -> str:
    """A number with 3 significant digits, never in scientific notation, thousands separated."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else "–"
    decimals = max(0, 2 - math.floor(math.log10(abs(value)) + 1e-12))
    shown = f"{round(value, decimals):,.{decimals}f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def show_rate(rate_per_s: float) -> str:
    """A rate for people: `412/s`."""
    return f"{three_digits(rate_per_s)}/s"


def show_ratio(ratio: float) -> str:
    """A share as per cent: `0.13%`, `91%`."""
    return "–" if math.isnan(ratio) else f"{three_digits(ratio * 100)}%"
