"""Where something holds, as stretches."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def stretches_of(holds: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Each unbroken stretch of True in an array of shape (n,), as (first, one past the last)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], holds, [False]]).astype(np.int8))).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))
