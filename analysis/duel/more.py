"""How many more pairs an unclear duel would need."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.compare.effect import Effect, Layout, error_after
from analysis.compare.sides import Comparison

MOST_PAIRS = 60
"""Nobody waits for more; beyond it the answer is 'no reasonable number'."""
SHARE = 0.4
LEVEL = 0.98
"""What is left of the error rates for one figure at one look: its weight, and the looks before."""


def more_pairs(
    deciding: Sequence[Comparison], pairs: int, alpha: float, layout: Layout = "turns"
) -> int | None:
    """Pairs to add until every comparison that decides would be clear if it went on as so far.

    None where that would take more than 60 pairs in all: the change then lies too near a limit.
    """
    open_ones = [comparison for comparison in deciding if comparison.verdict == "inconclusive"]
    needed = [_pairs_needed(comparison, pairs, alpha, layout) for comparison in open_ones]
    known = [number for number in needed if number is not None]
    return max(known) - pairs if needed and len(known) == len(needed) else None


def _pairs_needed(comparison: Comparison, pairs: int, alpha: float, layout: Layout) -> int | None:
    seen = comparison.worse_effect
    noise = seen.error / error_after(pairs, layout)[0]
    for total in range(pairs + 1, MOST_PAIRS + 1):
        factor, df = error_after(total, layout)
        then = Effect(seen.estimate, noise * factor, df)
        is_worse = then.p_above(0.0) <= alpha * SHARE and then.low(0.95) > comparison.tolerance_effect
        if is_worse or then.high(LEVEL) < comparison.margin_effect:
            return total
    return None
