from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from analysis.capacity import Settings
from drive.capacity import find_capacity
from drive.live import Moment
from drive.plan import Plan, plan_from
from drive.prepared import prepare
from drive.progress import OneOfSeveral, line
from drive.runs import APART_S, Asked, run_at_once, run_plan
from drive.target import Target
from probes.sampler import Sampler
from results import HarnessError, Run, Stages, open_run, parse_slos
from tests.truth.loads import HERE, calibrated_server

NAMES = ("baseline", "candidate")


@dataclass
class Heard:
    """All that a progress was told."""

    said: list[str] = field(default_factory=list)
    interrupt_from_s: float = 99.0

    def phase(self, text: str) -> None:
        self.said.append(text)

    def second(self, *moments: Moment) -> None:
        self.said.append(line(*moments))
        if min(moment.at_s for moment in moments) >= self.interrupt_from_s:
            raise KeyboardInterrupt

    def close(self) -> None: ...


def at_once(folder: Path, heard: Heard, url: str, scenario: Path, length: str = "2s") -> None:
    several: dict[str, Moment | None] = dict.fromkeys(NAMES)
    plan = Plan(scenario, Stages.parse(f"40/s for {length}"), warmup_s=0.0)
    prepared = prepare(plan, Target(name="here", allow_load=True, base_url=url))
    run_at_once([Asked(prepared, folder / name, OneOfSeveral(name, heard, several)) for name in NAMES])


def stored(folder: Path) -> list[Run]:
    return [open_run(folder / name) for name in NAMES]


def test_runs_made_at_once_begin_a_moment_apart_and_have_the_same_arrivals(tmp_path: Path) -> None:
    heard = Heard()
    with calibrated_server("--service", "0.001") as (url, _):
        at_once(tmp_path, heard, url, HERE / "one_request.py")
    first, second = stored(tmp_path)
    with closing(first), closing(second):
        assert [run.state for run in (first, second)] == ["finished", "finished"]
        assert (second.started_at - first.started_at).total_seconds() == pytest.approx(APART_S, abs=0.1)
        assert first.account.scheduled == second.account.scheduled > 0
        assert not first.account.missing
        assert not second.account.missing
    assert any(
        "baseline" in told and "candidate" in told and "asked 40/s each" in told for told in heard.said
    )


def test_ctrl_c_ends_both_and_keeps_what_they_measured(tmp_path: Path) -> None:
    with calibrated_server("--service", "0.001") as (url, _), pytest.raises(KeyboardInterrupt):
        at_once(tmp_path, Heard(interrupt_from_s=2.0), url, HERE / "one_request.py", "60s")
    for run in stored(tmp_path):
        with closing(run):
            assert run.state == "interrupted"
            assert run.merged().count > 0


def test_where_one_cannot_begin_neither_goes_on(tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("raise RuntimeError('no scenario')\n")
    with pytest.raises(HarnessError, match="no scenario"):
        at_once(tmp_path, Heard(), "http://127.0.0.1:9", broken)
    for run in stored(tmp_path):
        with closing(run):
            assert run.state == "aborted"


MISSING = {
    "password": ('[redis]\npassword_env = "NOT_SET_ANYWHERE"\n', "NOT_SET_ANYWHERE"),
    "login": ('[lb]\nmetrics_url = "http://ops:${NOT_SET_ANYWHERE}@lb.test/m"\n', "NOT_SET_ANYWHERE"),
    "authorities": ('ca_file = "/nowhere/ca.pem"\n', "/nowhere/ca.pem"),
    "rules": ('alerts = "/nowhere/rules.yml"\n', "/nowhere/rules.yml"),
}


@pytest.mark.parametrize("case", MISSING)
@pytest.mark.parametrize("what", ["run", "capacity"])
def test_what_cannot_begin_for_want_of_something_leaves_nothing_behind(
    tmp_path: Path, case: str, what: str
) -> None:
    more, named = MISSING[case]
    file = tmp_path / "here.toml"
    file.write_text('base_url = "http://127.0.0.1:9"\n' + more)
    plan, target, runs = plan_from("web/trpc"), Target.from_toml(file), tmp_path / "runs"
    settings = Settings(tuple(parse_slos("p99 < 1s")))
    begin: dict[str, Callable[[], object]] = {
        "run": lambda: run_plan(plan, target, runs, Heard()),
        "capacity": lambda: find_capacity(plan, target, settings, runs, Heard()),
    }
    with pytest.raises(HarnessError, match=named):
        begin[what]()
    assert not runs.exists()


def test_ctrl_c_while_the_tiers_are_asked_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: Sampler) -> list[str]:
        raise KeyboardInterrupt

    monkeypatch.setattr(Sampler, "check", interrupted)
    target = Target(name="here", allow_load=True, base_url="http://127.0.0.1:9")
    with pytest.raises(KeyboardInterrupt):
        run_plan(plan_from("web/trpc"), target, tmp_path, Heard())
    (folder,) = tmp_path.iterdir()
    with closing(open_run(folder)) as run:
        assert run.state == "interrupted"
        assert run.series() == []
