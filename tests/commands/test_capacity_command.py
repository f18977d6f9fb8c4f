"""What `harness capacity` says to bad input: one line, and exit code 2, before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

import harness


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--slo", "p99<fast"], "is not an SLO"),
        (["--slo", ""], "--slo is empty"),
        (["--budget", "5s"], "too short for a search"),
        (["--start", "20"], "'20' is not a rate"),
        (["--start", "500/s", "--max-rate", "100/s"], "between 1/s and --max-rate"),
        (["--growth", "4%/month"], "give --forecast too"),
        (["--forecast", "300/s", "--growth", "fast"], "'fast' is no growth"),
        (["--forecast", "no-such.csv"], "neither a rate like 300/s nor a file"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(options: list[str], said: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(harness.main, ["capacity", "web/trpc", "--runs", str(tmp_path), *options])
    assert result.exit_code == 2
    assert said in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_csv_has_its_own_trend(tmp_path: Path) -> None:
    peaks = tmp_path / "peaks.csv"
    peaks.write_text("2026-11-01,200\n")
    run = CliRunner().invoke
    both = run(harness.main, ["capacity", "web/trpc", "--forecast", str(peaks), "--growth", "4%/month"])
    assert (both.exit_code, "leave --growth out" in both.output) == (2, True)
    few = run(harness.main, ["capacity", "web/trpc", "--forecast", str(peaks)])
    assert (few.exit_code, "at least 14 daily peaks" in few.output) == (2, True)
