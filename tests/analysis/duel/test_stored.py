from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from analysis.duel.stored import judge_stored
from analysis.environment import NotComparable
from harness import main
from results import HarnessError, StoredDuel, find_duels, open_duel
from tests.reports.sample_run import Shape, write_sample

PLAN = {"pairs": 3, "max_pairs": 3, "first_look": 3, "alpha": 0.01, "tolerances": "", "layout": "turns"}


def store(folder: Path, candidate_per_s: float = 200, stages: str = "150/s for 14s") -> StoredDuel:
    """A duel of three pairs on a system that carries 260/s against one that carries `candidate_per_s`."""
    pairs = []
    for pair in (1, 2, 3):
        names = f"pair-{pair}-baseline", f"pair-{pair}-candidate"
        for name, capacity_per_s, load in (
            (names[0], 260.0, "150/s for 14s"),
            (names[1], candidate_per_s, stages),
        ):
            seed = 2 * pair + name.endswith("candidate")
            shape = Shape(stages=load, warmup_s=2, seed=seed, web1_down=False, capacity_per_s=capacity_per_s)
            write_sample(folder, shape, name)
        pairs.append(names)
    duel = StoredDuel(
        folder, "web/trpc.py", "150/s for 14s", "2026-11-24T10:00:00+00:00", "small", "large", PLAN,
        state="finished", pairs=pairs,
    )  # fmt: skip
    duel.save()
    return duel


@pytest.fixture(scope="module")
def duel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return store(tmp_path_factory.mktemp("runs") / "20261124-100000-web-trpc-duel").folder


def test_a_verdict_is_made_again_from_the_files_of_its_folder_alone(duel: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(duel, tmp_path / "elsewhere"))
    before, after = judge_stored(open_duel(duel)), judge_stored(open_duel(moved))
    assert before.result.verdict == "fail"
    assert after.result.sentence == before.result.sentence
    assert [run.path.parent.name for run in after.candidate] == [f"pair-{n}-candidate" for n in (1, 2, 3)]


def test_what_is_written_is_what_is_read(duel: Path) -> None:
    stored = open_duel(duel / "duel.json")
    assert stored == open_duel(duel)
    assert stored.pairs[2] == ("pair-3-baseline", "pair-3-candidate")
    assert list(find_duels(duel.parent)) == [duel / "duel.json"]


def test_runs_with_other_stages_are_refused_and_forced_only_with_a_mark(tmp_path: Path) -> None:
    folder = store(tmp_path / "other", stages="120/s for 14s").folder
    done = CliRunner().invoke(main, ["report", str(folder)], standalone_mode=True)
    assert done.exit_code == 4
    assert "had the stages" in done.stderr
    with pytest.raises(NotComparable, match="--force"):
        judge_stored(open_duel(folder))
    forced = judge_stored(open_duel(folder), force=True)
    assert "had the stages" in forced.forced[0]
    done = CliRunner().invoke(main, ["report", "--force", str(folder)])
    assert "Forced although" in (folder / "report.html").read_text()


def test_report_says_the_verdict_and_exits_by_it(duel: Path) -> None:
    done = CliRunner().invoke(main, ["report", duel.name[:12], "--runs", str(duel.parent)])
    assert done.exit_code == 3
    assert done.output.startswith("Worse: ")
    assert (duel / "report.html").is_file()
    listed = CliRunner().invoke(main, ["runs", "--runs", str(duel.parent)]).output
    assert listed.count(duel.name) == 1
    assert "small against large" in listed


def test_a_duel_that_lost_a_run_or_its_wits_says_so(duel: Path, tmp_path: Path) -> None:
    broken = Path(shutil.copytree(duel, tmp_path / "broken"))
    shutil.rmtree(broken / "pair-2-candidate")
    with pytest.raises(HarnessError, match="no run at"):
        judge_stored(open_duel(broken))
    (broken / "duel.json").write_text('{"version": 1')
    with pytest.raises(HarnessError, match="cannot be read"):
        open_duel(broken)
    (broken / "duel.json").write_text('{"version": 99}')
    with pytest.raises(HarnessError, match="newer harness"):
        open_duel(broken)
    with pytest.raises(HarnessError, match="no duel at"):
        open_duel(tmp_path)
