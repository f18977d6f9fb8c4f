from __future__ import annotations

import numpy as np
import pytest

from analysis.masks import stretches_of


@pytest.mark.parametrize(
    ("holds", "stretches"),
    [
        ("", []),
        ("...", []),
        ("###", [(0, 3)]),
        (".##.#", [(1, 3), (4, 5)]),
        ("#..", [(0, 1)]),
    ],
)
def test_each_stretch_ends_one_past_its_last(holds: str, stretches: list[tuple[int, int]]) -> None:
    assert stretches_of(np.array([sign == "#" for sign in holds], dtype=bool)) == stretches
