from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from analysis.summary import summary_of
from results import Run, open_run
from tests.reports.sample_run import Shape, write_sample


def sample(tmp_path: Path, slos: str = "", **info: Any) -> Run:
    shape = Shape(stages="60/s for 20s", warmup_s=2, tiers=("host",), web1_down=False, slos=slos)
    run = open_run(write_sample(tmp_path, shape))
    run.info |= info
    return run


def test_its_figures_are_those_of_the_steady_part(tmp_path: Path) -> None:
    run = sample(tmp_path)
    steady = run.merged(start_s=2)
    figures = summary_of(run).figures
    assert figures["p99"] == steady.quantile_us(0.99)
    assert figures["rate"] == pytest.approx(steady.count / 18)
    assert figures["errors"] == 0


@pytest.mark.parametrize(
    ("slos", "info", "word"),
    [
        ("", {}, "valid"),
        ("p50 < 5s", {}, "pass"),
        ("p50 < 1ms", {}, "fail"),
        ("todo.nowhere p50 < 5s", {}, "inconclusive"),
        ("p50 < 5s", {"state": "interrupted"}, "not valid"),
        ("p50 < 1ms", {"state": "interrupted"}, "not valid"),
        ("", {"state": "aborted"}, "not valid"),
    ],
)
def test_its_verdict_is_one_word(tmp_path: Path, slos: str, info: dict[str, Any], word: str) -> None:
    assert summary_of(sample(tmp_path, slos, **info)).verdict == word
