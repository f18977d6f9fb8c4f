from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import drive.duel
import stack.control
from analysis.duel import DuelPlan
from analysis.duel.stored import judge_stored
from analysis.validity import Reason, Validity
from drive import duel_sides
from drive.duel import DuelCourse
from drive.duel_sides import SideAsked, Stand, sides_for
from drive.live import Moment
from drive.plan import Plan
from drive.runs import Asked
from drive.target import Target
from harness import main
from results import HarnessError, Run, Stages, UsageError, open_duel, open_run
from tests.reports.sample_run import Shape, write_sample
from tests.truth.loads import ROOT, calibrated_server

STEADY = Reason("not-steady", "no steady state: the requests in flight grew", "offer less")
LATE = Reason("generator-limited", "the generator woke its users up 30 ms late (p99)", "use --processes")


@dataclass
class World:
    """Runs made up in place of real ones, and all that was asked of them."""

    capacity_per_s: dict[str, float]
    asked: list[tuple[str, Plan]] = field(default_factory=list)
    at_once: list[list[str]] = field(default_factory=list)
    """The folders of each call: runs that are made at the same time."""
    said: list[str] = field(default_factory=list)
    reasons: Callable[[Run], tuple[Reason, ...]] = lambda run: ()
    interrupt_at: str = ""

    def run_at_once(self, asked: Sequence[Asked]) -> None:
        if self.interrupt_at in [one.folder.name for one in asked]:
            raise KeyboardInterrupt
        self.at_once.append([one.folder.name for one in asked])
        for one in asked:
            self.asked.append((one.folder.name, one.prepared.plan))
            seed = 100 * one.prepared.plan.seed + (one.prepared.target.name == "candidate")
            shape = Shape(
                one.prepared.plan.stages.text,
                warmup_s=2,
                seed=seed,
                web1_down=False,
                capacity_per_s=self.capacity_per_s[one.prepared.target.name],
            )
            write_sample(one.folder.parent, shape, one.folder.name)

    def phase(self, text: str) -> None:
        self.said.append(text)

    def second(self, *moments: Moment) -> None: ...

    def close(self) -> None: ...

    def course(self, runs: Path, *, is_fresh: bool = False, force: bool = False, **plan: Any) -> DuelCourse:
        def stand(name: str) -> Stand:
            return Stand(name, lambda: (Target(name=name, base_url="http://127.0.0.1:9"), is_fresh))

        load = Plan(ROOT / "scenarios/web/trpc.py", Stages.parse("150/s for 14s"), warmup_s=2.0)
        sides = {"baseline": stand("baseline"), "candidate": stand("candidate")}
        return DuelCourse(load, DuelPlan(**plan), sides, runs, self, force=force)  # type: ignore[arg-type]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World({"baseline": 260, "candidate": 260})
    monkeypatch.setattr(drive.duel, "run_at_once", made.run_at_once)
    monkeypatch.setattr(drive.duel, "PAUSE_S", 0.0)
    monkeypatch.setattr(drive.duel, "validity", lambda run: Validity(made.reasons(run)))
    return made


def test_sides_take_turns_with_the_same_load_in_each_pair(world: World, tmp_path: Path) -> None:
    world.course(tmp_path, pairs=3, max_pairs=3).run()
    assert [name for name, _ in world.asked][:4] == [
        "pair-1-baseline",
        "pair-1-candidate",
        "pair-2-candidate",
        "pair-2-baseline",
    ]
    seeds = Counter((name.split("-")[1], plan.seed) for name, plan in world.asked)
    assert set(seeds.values()) == {2}
    assert len(seeds) == 3
    assert len({(plan.stages.text, plan.warmup_s) for _, plan in world.asked}) == 1


def test_it_stops_as_soon_as_it_is_clear_and_its_files_say_the_same(world: World, tmp_path: Path) -> None:
    world.capacity_per_s["candidate"] = 185
    stored = world.course(tmp_path, pairs=5, max_pairs=8).run()
    assert stored.state == "finished"
    assert stored.verdict == "fail"
    assert len(stored.pairs) < 8
    again = judge_stored(open_duel(stored.folder))
    assert again.result.sentence == stored.sentence
    assert any(line.strip().startswith("Worse: ") for line in world.said)


def test_a_run_that_is_not_valid_is_made_again_and_not_judged(world: World, tmp_path: Path) -> None:
    world.reasons = lambda run: (LATE,) if run.path.parent.name == "pair-2-candidate" else ()
    stored = world.course(tmp_path, pairs=3, max_pairs=3).run()
    assert stored.pairs[1] == ("pair-2-baseline", "pair-2-candidate-again-1")
    assert stored.repeated == [("pair-2-candidate", LATE.text)]
    assert (stored.folder / "pair-2-candidate" / "run.db").is_file()


def test_a_side_that_is_never_valid_ends_the_duel_and_what_was_measured_is_kept(
    world: World, tmp_path: Path
) -> None:
    world.reasons = lambda run: (LATE,) if "pair-2-candidate" in run.path.parent.name else ()
    stored = world.course(tmp_path, pairs=3, max_pairs=3).run()
    assert stored.state == "aborted"
    assert len(stored.pairs) == 1
    assert "was not valid 3 times" in judge_stored(open_duel(stored.folder)).result.doubts[0]
    assert judge_stored(open_duel(stored.folder)).result.verdict == "inconclusive"


def test_force_judges_runs_that_are_not_valid_and_says_so(world: World, tmp_path: Path) -> None:
    world.reasons = lambda run: (LATE,) if "pair-2" in run.path.parent.name else ()
    stored = world.course(tmp_path, pairs=3, max_pairs=3, force=True).run()
    assert stored.state == "finished"
    assert stored.pairs[1] == ("pair-2-baseline", "pair-2-candidate")
    assert open_duel(stored.folder).forced


def test_a_side_that_does_not_settle_twice_is_judged(world: World, tmp_path: Path) -> None:
    # Overload is an answer: runs of a candidate that cannot keep up must not be left out.
    world.reasons = lambda run: (STEADY,) if "candidate" in run.path.parent.name else ()
    stored = world.course(tmp_path, pairs=2, max_pairs=2).run()
    assert stored.state == "finished"
    assert [candidate for _, candidate in stored.pairs] == [
        "pair-1-candidate-again-1",
        "pair-2-candidate-again-1",
    ]


def test_ctrl_c_keeps_the_pairs_so_far_and_judges_them(world: World, tmp_path: Path) -> None:
    world.interrupt_at = "pair-3-candidate"
    stored = world.course(tmp_path, pairs=5, max_pairs=5).run()
    assert stored.state == "interrupted"
    assert len(stored.pairs) == 2
    judged = judge_stored(open_duel(stored.folder))
    assert judged.result.pairs == 2
    assert "interrupted before the answer was clear" in judged.result.doubts


def test_a_stack_that_was_just_started_settles_before_it_is_judged(world: World, tmp_path: Path) -> None:
    stored = world.course(tmp_path, is_fresh=True, pairs=2, max_pairs=2).run()
    names = [name for name, _ in world.asked]
    assert names[:2] == ["pair-1-baseline-settle", "pair-1-baseline"]
    assert not any("settle" in name for pair in stored.pairs for name in pair)


def test_together_both_runs_of_a_pair_are_made_at_once_and_each_side_begins_in_turn(
    world: World, tmp_path: Path
) -> None:
    stored = world.course(tmp_path, is_fresh=True, pairs=3, max_pairs=3, layout="together").run()
    assert world.at_once[:3] == [
        ["pair-1-baseline-settle", "pair-1-candidate-settle"],
        ["pair-1-baseline", "pair-1-candidate"],
        ["pair-2-candidate-settle", "pair-2-baseline-settle"],
    ]
    assert stored.pairs[1] == ("pair-2-baseline", "pair-2-candidate")
    assert judge_stored(open_duel(stored.folder)).result.sentence == stored.sentence
    assert stored.plan["layout"] == "together"


def test_together_a_run_that_is_not_valid_makes_both_be_made_again(world: World, tmp_path: Path) -> None:
    world.reasons = lambda run: (LATE,) if run.path.parent.name == "pair-2-candidate" else ()
    stored = world.course(tmp_path, pairs=3, max_pairs=3, layout="together").run()
    assert stored.pairs[1] == ("pair-2-baseline-again-1", "pair-2-candidate-again-1")
    assert dict(stored.repeated) == {
        "pair-2-candidate": LATE.text,
        "pair-2-baseline": "the candidate beside it was not valid",
    }


def test_together_a_pair_that_is_never_valid_ends_the_duel(world: World, tmp_path: Path) -> None:
    world.reasons = lambda run: (LATE,) if "pair-2-candidate" in run.path.parent.name else ()
    stored = world.course(tmp_path, pairs=3, max_pairs=3, layout="together").run()
    assert stored.state == "aborted"
    assert len(stored.pairs) == 1
    assert "pair 2 was not valid 3 times" in stored.stopped


@pytest.fixture
def stacks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """The calls that would bring stacks up and down."""
    calls: list[Any] = []

    def up(name: str, settings: dict[str, str], say: Any, faults: tuple[str, ...]) -> Path:
        calls.append(("up", name, dict(settings), faults))
        file = tmp_path / f"{name}.json"
        file.write_text(json.dumps({"name": name, "base_url": "http://127.0.0.1:9", "knobs": settings}))
        return file

    monkeypatch.setattr(stack.control, "up", up)
    monkeypatch.setattr(stack.control, "down", lambda name: calls.append(("down", name)))
    monkeypatch.setattr(stack.control, "names", list)
    return calls


def test_two_stacks_stand_side_by_side_and_are_taken_down(stacks: list[Any]) -> None:
    asked = SideAsked(), SideAsked(settings={"api.pool_size": "3"}, faults=("missing-index",))
    with sides_for(*asked, lambda _: None, turns=False) as sides:
        assert [sides["candidate"].make_ready()[1] for _ in range(3)] == [True, False, False]
        assert sides["candidate"].text == "api.pool_size=3, fault missing-index"
    assert stacks == [
        ("up", "duel-baseline", {}, ()),
        ("up", "duel-candidate", {"api.pool_size": "3"}, ("missing-index",)),
        ("down", "duel-baseline"),
        ("down", "duel-candidate"),
    ]


def test_one_stack_in_turns_loses_what_only_the_other_side_set(stacks: list[Any]) -> None:
    asked = SideAsked(settings={"cache.ttl_s": "60"}), SideAsked(settings={"api.pool_size": "3"})
    with sides_for(*asked, lambda _: None, turns=True) as sides:
        sides["candidate"].make_ready()
        _, is_fresh = sides["baseline"].make_ready()
        assert is_fresh
    assert stacks == [
        ("up", "duel", {"api.pool_size": "3", "cache.ttl_s": "3600"}, ()),
        ("up", "duel", {"api.pool_size": "10", "cache.ttl_s": "60"}, ()),
        ("down", "duel"),
    ]


def test_scarce_memory_makes_one_stack_take_both_parts(
    stacks: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duel_sides, "_available", lambda: 1 << 30)
    said: list[str] = []
    with sides_for(SideAsked(), SideAsked(settings={"api.pool_size": "3"}), said.append, turns=False):
        assert "memory is scarce" in said[0]
    assert stacks == [("down", "duel")]


def test_together_is_refused_where_one_stack_would_take_both_parts(
    stacks: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = SideAsked(), SideAsked(settings={"api.pool_size": "3"})
    with (
        pytest.raises(UsageError, match="--together needs two side by side"),
        sides_for(*asked, lambda _: None, turns=True, layout="together"),
    ):
        pass
    monkeypatch.setattr(duel_sides, "_available", lambda: 1 << 30)
    with (
        pytest.raises(HarnessError, match="memory is too scarce for two stacks"),
        sides_for(*asked, lambda _: None, turns=False, layout="together"),
    ):
        pass
    assert stacks == []


def test_together_is_refused_where_both_sides_are_one_system(stacks: list[Any]) -> None:
    same = SideAsked(Target(name="x", base_url="http://127.0.0.1:9"))
    with (
        pytest.raises(UsageError, match="would load one system twice"),
        sides_for(same, same, lambda _: None, turns=False, layout="together"),
    ):
        pass
    assert stacks == []


def test_a_stack_of_the_same_name_is_not_touched(stacks: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack.control, "names", lambda: ["duel-candidate"])
    with (
        pytest.raises(HarnessError, match="'harness down --name duel-candidate' removes it"),
        sides_for(SideAsked(), SideAsked(settings={"api.pool_size": "3"}), lambda _: None, turns=False),
    ):
        pass
    assert stacks == []


def test_a_target_takes_no_settings() -> None:
    with pytest.raises(UsageError, match="a side is a target or a stack with settings"):
        SideAsked(Target(name="x", base_url="http://127.0.0.1:9"), {"api.pool_size": "3"})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "say what is held against what"),
        (["--candidate", "nowhere"], "unknown target 'nowhere'"),
        (["--candidate-set", "api.pool=3"], "did you mean api.pool_size?"),
        (["--candidate-fault", "missing-indx"], "did you mean missing-index?"),
        (["--candidate-set", "api.pool_size=3", "--pairs", "5", "--max-pairs", "3"], "--max-pairs 3 is less"),
        (["--candidate-set", "api.pool_size=3", "--pairs", "1"], "1 is not in the range"),
        (["--candidate-set", "api.pool_size=3", "--tolerance", "p98 5%"], "is not a tolerance"),
        (["--candidate-set", "api.pool_size=3", "--rate", "5/s", "--users", "3"], "give one of"),
    ],
)
def test_what_cannot_be_is_said_in_one_line_before_anything_starts(words: list[str], said: str) -> None:
    done = CliRunner().invoke(main, ["duel", "web/trpc", *words])
    assert done.exit_code == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_real_duel_of_a_server_three_times_as_slow_fails(tmp_path: Path) -> None:
    with (
        calibrated_server("--service", "0.01") as (fast, _),
        calibrated_server("--service", "0.03") as (slow, _),
    ):
        for name, url in (("fast", fast), ("slow", slow)):
            (tmp_path / f"{name}.toml").write_text(f'allow_load = true\nbase_url = "{url}"\n')
        command = [
            *(sys.executable, "-m", "harness", "duel", "tests/truth/one_request.py"),
            *("--baseline", str(tmp_path / "fast.toml"), "--candidate", str(tmp_path / "slow.toml")),
            *(
                "--rate",
                "60/s",
                "--for",
                "3s",
                "--warmup",
                "1s",
                "--pairs",
                "3",
                "--runs",
                str(tmp_path / "runs"),
            ),
            "--force",  # this is about the command, and the machine may be too busy for valid runs
        ]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False, timeout=120)
    assert done.returncode == 3, done.stderr + done.stdout
    told = re.match(r"Worse: typical response time [\d.]+ ms → [\d.]+ ms \(×([\d.]+)", done.stdout)
    assert told is not None, done.stdout
    assert float(told[1]) == pytest.approx(3, abs=1)
    assert "most of all" not in done.stdout  # there is only one endpoint
    (folder,) = (tmp_path / "runs").iterdir()
    assert (folder / "report.html").is_file()
    assert open_run(folder / "pair-1-baseline").id == f"{folder.name}/pair-1-baseline"
    assert "pair 2 of 3: candidate first, then baseline" in done.stderr
