"""Duels on the real stack: what is the same passes, and each thing made worse fails and is named.

Both stacks and both load generators share the machine, so both runs of a pair are made at once (its speed may
change from pair to pair), the load of both together is one that it carries with ease, and pairs are many and
short: what a run has for itself, such as where its processes are placed, averages out over runs, not seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner

from analysis.duel.stored import JudgedDuel, judge_stored
from harness import main
from results import open_duel
from stack import control
from tests.truth.loads import HERE
from tests.truth.test_duel_errors import show

pytestmark = [pytest.mark.truth, pytest.mark.stack, pytest.mark.timeout(3600)]


@dataclass(frozen=True)
class Worse:
    """A way to make the stack worse, the load that shows it, and what the page has to name."""

    candidate: dict[str, str]
    rate: str
    endpoint: str
    cause: str
    baseline: dict[str, str] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    faults_of_both: tuple[str, ...] = ()
    scenario: str = "web/trpc"
    pairs: int = 12
    seconds: int = 7


WORSE = {
    # A light load: without its index the database takes all the processor, the load generator's part too.
    "an index dropped": Worse({}, "8/s", "todo.list", "index", faults=("missing-index",)),
    # In web/trpc a team's writes void its answers before either time to live does. This only searches, and
    # the same terms are asked for again after more than 5 s.
    "time to live 3600 s against 5 s": Worse(
        {"cache.ttl_s": "5"},
        "10/s",
        "todo.search",
        "hit ratio",
        baseline={"cache.ttl_s": "3600"},
        scenario="web/search",
        pairs=10,
        seconds=10,
    ),
    # What only computes needs no more connections than processors, so that 3 are as good as 10. Here
    # a fifth of a second's wait for a row's lock, 8 times a second, keeps 1.6 connections busy on average.
    "a pool of 10 against 3": Worse(
        {"api.pool_size": "3"},
        "20/s",
        "todo.update",
        "pool",
        faults_of_both=("hot-row",),
        scenario=str(HERE / "hot_row.py"),
    ),
    "2 ms added to todo.list": Worse({"api.slow_ms": "2"}, "25/s", "todo.list", "own work"),
}


@contextmanager
def stacks(worse: Worse) -> Iterator[None]:
    both = worse.faults_of_both
    sides = (
        ("truth-baseline", worse.baseline, both),
        ("truth-candidate", worse.candidate, both + worse.faults),
    )
    try:
        for name, settings, faults in sides:
            control.up(name, settings, faults=faults)
        yield
    finally:
        for name, _, _ in sides:
            control.down(name)


def duel(folder: Path, worse: Worse) -> tuple[int, JudgedDuel]:
    words = f"duel {worse.scenario} --baseline truth-baseline --candidate truth-candidate --together".split()
    words += ["--rate", worse.rate, "--for", f"{worse.seconds}s", "--pairs", str(worse.pairs)]
    words += ["--runs", str(folder)]
    done = CliRunner().invoke(main, words)
    newest = max(folder.iterdir(), key=lambda one: one.stat().st_mtime)
    return done.exit_code, judge_stored(open_duel(newest))


@pytest.mark.parametrize("name", WORSE)
def test_what_is_worse_fails_and_is_named(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    worse = WORSE[name]
    with stacks(worse):
        code, judged = duel(tmp_path, worse)
    show(capsys, [[name, judged.result.sentence], *([cause.text] for cause in judged.result.causes)])
    assert code == 3
    texts = [cause.text for cause in judged.result.causes]
    assert any(worse.endpoint in text for text in texts)
    assert any(worse.cause in text for text in texts)


def test_the_same_stack_passes_each_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    same = Worse({"api.pool_size": "10"}, "25/s", "", "", baseline={"api.pool_size": "10"})
    with stacks(same):
        found = [duel(tmp_path / str(number), same) for number in range(10)]
    show(capsys, [[str(code), judged.result.sentence] for code, judged in found])
    assert [code for code, _ in found] == [0] * 10
