"""Equal windows of a run's time, for those who look at it in a few hundred pieces."""

from __future__ import annotations

import math

from results.folding import AFTER_S, PIECE_S


def window_s(duration_s: float, most: int) -> int:
    """How many whole seconds each of at most `most` windows has.

    Beyond an hour these are tens, as older detail is folded into pieces of 10 s, which no window may cut.
    """
    width_s = max(math.ceil(duration_s / most), 1)
    return -(-width_s // PIECE_S) * PIECE_S if duration_s > AFTER_S else width_s
