"""Equal windows of a run's time, for those who look at it in a few hundred pieces."""

from __future__ import annotations

import math

from results.folding import AFTER_S, PIECE_S


def window_s(length_s: float, most: int, run_s: float | None = None) -> int:
    """How many whole seconds each of at most `most` windows of a length has.

    Of a run of more than an hour (`run_s`, unless it is the length itself) these are tens, as older detail is
    folded into pieces of 10 s, which no window may cut.
    """
    width_s = max(math.ceil(length_s / most), 1)
    longest_s = length_s if run_s is None else run_s
    return -(-width_s // PIECE_S) * PIECE_S if longest_s > AFTER_S else width_s
