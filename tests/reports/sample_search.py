"""A stored capacity search with every tier in it, and an answer whose figures are chosen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from analysis.capacity import Capacity, LevelPoint, SloLimit
from results import Run
from tests.reports.sample_run import Shape

RATES = (40, 80, 120, 160, 200, 240)
LIMIT = 160


def search_shape(**changes: Any) -> Shape:
    """Six levels of 6 s: those up to 160/s pass, beyond them the replica's pool fills up."""
    settings: dict[str, Any] = {
        "stages": ", ".join(f"{rate}/s for 6s" for rate in RATES),
        "slos": "p99 < 250ms", "warmup_s": 1, "limit_per_s": LIMIT, "web1_down": False,
    }  # fmt: skip
    return Shape(**(settings | changes))


def found_in(run: Run, *, found: bool = True) -> Capacity:
    """The answer of such a search: 171/s, or that it carries at least 160/s."""
    levels = tuple(
        LevelPoint(
            number, "narrow", one.data["rate_per_s"], one.data["rate_per_s"], 6, 1,
            "pass" if one.data["passed"] else "fail", one.data["passed"], True, False, (0.4,), (),
        )
        for number, one in enumerate(run.levels)
    )  # fmt: skip
    slo, last_pass = run.slos[0], next(one for one in levels if one.rate_per_s == LIMIT)
    first_fail = next(one for one in levels if one.rate_per_s == 200)
    told = Capacity(
        True, "", "precise", 171.0, 165.0, 180.0, slo, (SloLimit(slo, 171.0, 165.0, 180.0),), last_pass,
        first_fail, 0, 238.0, True, 60, levels,
    )  # fmt: skip
    if found:
        return told
    return replace(
        told, found=False, why="it never failed up to the highest rate allowed", reason="max rate",
        rate_per_s=None, low_per_s=None, high_per_s=None, first_hit=None, limits=(), first_fail=None,
    )  # fmt: skip


def confirmed(told: Capacity, rate_per_s: float) -> Capacity:
    """The same, with its level at a rate held last, to confirm it."""
    levels = tuple(
        replace(one, purpose="confirm") if one.rate_per_s == rate_per_s else one for one in told.levels
    )
    return replace(told, levels=levels)
