"""Comparisons in words."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.compare.figures import OVERALL
from analysis.compare.sides import Comparison
from results.units import show_latency, show_rate, show_ratio, three_digits

RESPONSE = ("typical", "p50", "p95", "p99")


def describe(comparison: Comparison) -> str:
    """One comparison: `todo.list p95 31 ms -> 74 ms (+139%, +120% to +160%)`."""
    where = "" if comparison.endpoint == OVERALL else f"{comparison.endpoint} "
    before, after = (
        show_value(value, comparison.unit) for value in (comparison.baseline, comparison.candidate)
    )
    return f"{where}{comparison.label} {before} → {after} ({show_interval(comparison)})"


def show_interval(comparison: Comparison) -> str:
    """`+9.8%, +6.1% to +13.6%`; differences of shares in percentage points."""
    change, low, high = (show_change(v, comparison.is_ratio) for v in _figures(comparison))
    return f"{change}, {low} to {high}"


def show_change(change: float, is_ratio: bool) -> str:
    """A signed change: `+9.8%` of the baseline, `-2.1 pp` of shares, `x 4.2` where it more than doubled."""
    if is_ratio and change >= 1.0:
        return f"×{three_digits(1 + change)}"
    shown = f"{abs(change) * 100:.1f}"
    sign = "" if float(shown) == 0 else "+" if change > 0 else "−"
    return f"{sign}{shown}{'%' if is_ratio else ' pp'}"


def show_value(value: float, unit: str) -> str:
    """A figure with its unit."""
    if unit in ("us", "s"):
        return show_latency(value * (1e6 if unit == "s" else 1))
    return {"share": show_ratio, "per_s": show_rate}.get(unit, three_digits)(value)


def worst(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Those that failed, the largest change of a response time first, then the rest."""
    failed = [comparison for comparison in comparisons if comparison.verdict == "fail"]
    return sorted(failed, key=lambda c: (c.metric not in RESPONSE, -abs(c.worse_effect.estimate)))


def as_asked(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """In the order people ask: over all endpoints first; response times, errors, rate, what lies below."""
    wanted = ["typical", "p50", "p95", "p99", "errors", "rate"]

    def place(one: Comparison) -> tuple[bool, int, str, str]:
        order = wanted.index(one.metric) if one.metric in wanted else len(wanted)
        return one.endpoint != OVERALL, order, one.metric, one.endpoint

    return sorted(comparisons, key=place)


def _figures(comparison: Comparison) -> tuple[float, float, float]:
    return comparison.change, comparison.low, comparison.high
