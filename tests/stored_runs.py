"""A runs folder of many stored runs, each a whole run.db: one is written, the others follow it."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import numpy as np

from tests.reports.sample_run import ENVIRONMENT, Shape, write_sample

KNOBS = dict(cast("dict[str, Any]", ENVIRONMENT["knobs"]))
BEGIN = datetime(2025, 1, 6, 6, 0, tzinfo=UTC)


def write_many(
    runs: Path, levels: Sequence[tuple[int, float, dict[str, Any]]], noise: float = 0.05, seed: int = 3
) -> None:
    """Runs some hours apart: for each level so many, its median p99 in us and its knobs."""
    random = np.random.default_rng(seed)
    first = write_sample(runs, Shape(stages="60/s for 20s", warmup_s=4, web1_down=False), "made")
    number = 0
    for count, p99_us, knobs in levels:
        for _ in range(count):
            at = BEGIN + timedelta(hours=8 * number)
            folder = runs / f"{at:%Y%m%d-%H%M%S}-web-trpc"
            folder.mkdir()
            shutil.copyfile(first, folder / "run.db")
            figures = {
                "p50": p99_us / 4 * float(np.exp(random.normal(0, noise / 2))),
                "p95": p99_us / 2 * float(np.exp(random.normal(0, noise))),
                "p99": p99_us * float(np.exp(random.normal(0, noise))),
                "errors": 0.0,
                "rate": 60 + float(random.normal(0, 0.5)),
            }
            known = KNOBS | knobs
            facts = {
                "id": folder.name, "started_at": at.isoformat(), "figures": figures, "verdict": "pass",
                "environment": ENVIRONMENT | {"knobs": known},
            }  # fmt: skip
            with sqlite3.connect(folder / "run.db") as db:
                db.execute("PRAGMA synchronous = OFF")
                rows = [(name, json.dumps(value)) for name, value in facts.items()]
                db.executemany("INSERT OR REPLACE INTO info VALUES (?, ?)", rows)
            db.close()
            number += 1
    shutil.rmtree(first.parent)
