from __future__ import annotations

import json
from pathlib import Path

import pytest

from analysis.compare.tolerance import parse_tolerances
from analysis.duel import Duel
from analysis.environment import NotComparable
from analysis.gate import GateResult, gate_baseline, gate_duel
from tests.analysis.compare.imagined import healthy, response, slower
from tests.analysis.gate.sample import sample


def duel_result(factor: float) -> GateResult:
    duel, seed = Duel(), 0
    while duel.next() is not None:
        seed += 2
        duel.observe(healthy(seed), slower(healthy(seed + 1), response("all", factor)))
    return gate_duel(duel.decision(), "pool 10 against pool 3")


def test_a_duel_brings_its_own_verdict() -> None:
    assert (duel_result(1.0).verdict, duel_result(1.0).exit_code) == ("pass", 0)
    worse = duel_result(1.5)
    assert (worse.verdict, worse.exit_code) == ("fail", 3)
    assert json.loads(json.dumps(worse.as_dict()))["kind"] == "duel"


def test_a_stored_baseline_of_the_same_system_passes_and_says_it_is_weaker(tmp_path: Path) -> None:
    found = gate_baseline(sample(tmp_path, "new", seed=8), sample(tmp_path, "old"))
    assert found.verdict == "pass"
    assert "weaker than a duel" in found.notes[0]


def test_a_stored_baseline_shows_a_large_change_only(tmp_path: Path) -> None:
    old = sample(tmp_path, "old", capacity_per_s=260.0)
    much = sample(tmp_path, "much", capacity_per_s=140.0, seed=9)
    found = gate_baseline(much, old)
    assert (found.verdict, found.exit_code) == ("fail", 3)
    assert found.sentence.startswith("Worse than the stored baseline")
    forgiving = parse_tolerances(
        "typical 9900%, p50 9900%, p95 9900%, p99 9900%, cpu 900%, hits 99%, db_calls 900%"
    )
    assert gate_baseline(much, old, forgiving).verdict != "fail"


def test_runs_that_cannot_be_compared_are_refused_unless_forced(tmp_path: Path) -> None:
    old = sample(tmp_path, "old")
    other = sample(tmp_path, "other", stages="60/s for 40s")
    with pytest.raises(NotComparable, match="other had the stages"):
        gate_baseline(other, old)
    forced = gate_baseline(other, old, force=True)
    assert any(note.startswith("forced although other had the stages") for note in forced.notes)
