"""Figures of imagined runs, for tests of what is made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from analysis.compare.facts import ClassCost, Costs, DigestCost, PoolUse
from analysis.compare.figures import OVERALL, Figures, Key

LIST = "SELECT `id` , `title` FROM `todo` WHERE `team_id` = ? ORDER BY `due` LIMIT ?"
SEARCH = "SELECT `id` FROM `todo` WHERE `team_id` = ? AND `title` LIKE ?"


def healthy(seed: int = 0, noise: float = 0.01) -> Figures:
    """A run of two endpoints, each figure disturbed by noise of ln(figure)."""
    random = np.random.default_rng(seed)

    def near(value: float) -> float:
        return float(value * np.exp(random.normal(0, noise)))

    values: dict[Key, float] = {}
    for endpoint, median_us in ((OVERALL, 9e3), ("todo.list", 8e3), ("todo.search", 20e3)):
        for metric, factor in (("typical", 1.05), ("p50", 1.0), ("p95", 2.4), ("p99", 3.5)):
            values[endpoint, metric] = near(median_us * factor)
        values[endpoint, "errors"] = 0.0
        values[endpoint, "rate"] = near(100.0)
    values[OVERALL, "cpu.api"] = near(0.0024)
    values[OVERALL, "db_calls"] = near(2.0)
    values[OVERALL, "db_rows"] = near(55.0)
    values[OVERALL, "hits.application, query"] = 0.91
    parts = {
        name: {"db": near(4.0), "cache": near(0.4), "pool": near(0.1), "other": near(2.0)}
        for name in ("todo.list", "todo.search")
    }
    return Figures(
        f"run-{seed}",
        values,
        {OVERALL: 2000, "todo.list": 1500, "todo.search": 500},
        parts,
        Costs(
            {
                LIST: DigestCost(LIST, 0.7, near(2000.0), 15.0, 0.0),
                SEARCH: DigestCost(SEARCH, 0.25, near(900.0), 40.0, 0.0),
            },
            {
                "todo.list": ClassCost("todo.list", 0.7, 0.06, near(1200.0)),
                "team.dashboard": ClassCost("team.dashboard", 0.3, 0.03, near(500.0)),
            },
            {"replica": PoolUse("replica", 10.0, 4.0, near(100.0), 0.0)},
        ),
        {"api.pool_size": 10, "cache.ttl_s": 3600},
    )


def slower(figures: Figures, factors: Mapping[Key, float]) -> Figures:
    """The same run with some figures multiplied."""
    return replace(
        figures, values={key: value * factors.get(key, 1.0) for key, value in figures.values.items()}
    )


def response(endpoint: str, factor: float) -> dict[Key, float]:
    """A factor for all response times of an endpoint."""
    return {(endpoint, metric): factor for metric in ("typical", "p50", "p95", "p99")}


def with_part(figures: Figures, endpoint: str, part: str, added_ms: float) -> Figures:
    """The same run with more milliseconds in one part of an endpoint."""
    parts = {name: dict(known) for name, known in figures.parts_ms.items()}
    parts[endpoint][part] += added_ms
    return replace(figures, parts_ms=parts)


def with_below(figures: Figures, **costs: Any) -> Figures:
    """The same run with some of its `digests`, `classes` or `pools` in place of those of the same name."""
    known = {kind: {**getattr(figures.below, kind), **new} for kind, new in costs.items()}
    return replace(figures, below=replace(figures.below, **known))
