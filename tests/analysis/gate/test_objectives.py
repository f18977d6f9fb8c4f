from __future__ import annotations

from pathlib import Path

from analysis.gate import gate_run
from tests.analysis.gate.sample import sample


def test_objectives_that_are_kept_pass(tmp_path: Path) -> None:
    found = gate_run(sample(tmp_path, "r", "p95 < 2s, errors < 1%"))
    assert (found.verdict, found.exit_code) == ("pass", 0)
    assert found.sentence == "All 2 objectives are kept."


def test_a_missed_objective_fails_and_is_named(tmp_path: Path) -> None:
    found = gate_run(sample(tmp_path, "r", "p95 < 2s, todo.list p50 < 1ms"))
    assert (found.verdict, found.exit_code) == ("fail", 3)
    assert found.sentence.startswith("1 of 2 objectives missed: todo.list p50 < 1 ms: ")


def test_a_run_without_objectives_is_inconclusive_and_says_what_to_do(tmp_path: Path) -> None:
    found = gate_run(sample(tmp_path, "r"))
    assert (found.verdict, found.exit_code) == ("inconclusive", 4)
    assert "--slo" in found.sentence


def test_a_run_that_is_not_valid_is_inconclusive(tmp_path: Path) -> None:
    run = sample(tmp_path, "r", "p95 < 2s")
    run.info["state"] = "interrupted"
    found = gate_run(run)
    assert found.verdict == "inconclusive"
    assert "interrupted" in found.sentence
