from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from results.catalogue import read_catalogue
from tests.commands.conftest import Call, store
from tests.reports.html_check import check
from tests.stored_runs import write_many

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten runs with p99 about 90 ms, ten with a smaller pool at about 120 ms, eight mended."""
    runs = tmp_path_factory.mktemp("month")
    write_many(runs, [(10, 90e3, {}), (10, 120e3, {"api.pool_size": 3}), (8, 90e3, {"api.pool_size": 10})])
    return runs


def links_but(page: str) -> list[str]:
    """What is wrong with a page, apart from the links to other files that these pages are for."""
    return [one for one in check(page).problems if not one.startswith("asks for 20")]


def test_changes_are_found_where_they_are_with_what_changed(call: Call, month: Path) -> None:
    runs = sorted(one.id for one in read_catalogue(month))
    told = call("history", "web/trpc", "--runs", month)
    assert told.code == 0
    assert told.out.startswith("p99 of web/trpc fell from ")
    lines = told.out.splitlines()
    assert f"from {runs[20]} on" in lines[1]
    assert lines[1].split()[1] == "better"
    assert "knobs api.pool_size: 3 → 10" in lines[2]
    assert f"from {runs[10]} on" in lines[3]
    assert lines[3].split()[1] == "worse"
    assert "knobs api.pool_size: 10 → 3" in lines[4]


def test_the_page_draws_it_and_links_the_reports(call: Call, month: Path, tmp_path: Path) -> None:
    runs = Path(shutil.copytree(month, tmp_path / "runs"))
    last = read_catalogue(runs)[0].id
    (runs / last / "report.html").write_text("a report")
    told = call("history", "scenarios/web/trpc.py", "--runs", runs)
    page = (runs / "history-web-trpc.html").read_text()
    assert str(runs / "history-web-trpc.html") in told.out
    assert links_but(page) == []
    assert f'href="{last}/report.html"' in page
    assert page.count("api.pool_size") >= 2
    call("runs", "index", "--runs", runs)
    assert 'href="history-web-trpc.html"' in (runs / "index.html").read_text()


def test_too_few_runs_claim_neither_a_spread_nor_that_nothing_changed(call: Call, tmp_path: Path) -> None:
    write_many(tmp_path, [(1, 100e3, {})])
    told = call("history", "web/trpc", "--runs", tmp_path)
    assert "1 run, too few to tell a change" in told.out
    page = (tmp_path / "history-web-trpc.html").read_text()
    assert "from 6 runs on" in page
    assert "no change for good" not in page
    assert "±" not in page


def test_each_figure_has_its_own_history(call: Call, month: Path, tmp_path: Path) -> None:
    steady = call("history", "web/trpc", "--figure", "rate", "--page", tmp_path / "h.html", "--runs", month)
    assert steady.out.startswith("Requests per second of web/trpc has kept its level over 28 runs.")


def test_what_is_not_alike_or_cannot_be_trusted_stays_out(call: Call, tmp_path: Path) -> None:
    figures = {"figures": {"p99": 9e4, "rate": 60.0}, "verdict": "pass"}
    for day in range(3):
        store(tmp_path, f"2026010{day}", tiers=("host",), info=figures)
    store(tmp_path, "20260107", tiers=("host",), info=figures | {"verdict": "not valid"})
    store(tmp_path, "20260108", tiers=("host",), stages="30/s for 20s", info=figures)
    told = call("history", "web/trpc", "--runs", tmp_path)
    assert "too few to tell a change" in told.out
    assert sum("1 run" in line or "3 runs" in line for line in told.out.splitlines()) == 2
    assert "1 run left out" in (tmp_path / "history-web-trpc.html").read_text()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["web/nothing"], 1, "no runs of 'web/nothing'"),
        (["web/trpc", "--figure", "p98"], 2, "'p98' is no figure of a history"),
        (["web/trpc", "--target", "elsewhere"], 1, "no run of scenarios/web/trpc.py can stand in a history"),
        ([], 2, "Missing argument 'SCENARIO'"),
    ],
)
def test_bad_input_is_one_line(call: Call, month: Path, words: list[str], code: int, said: str) -> None:
    told = call("history", *words, "--runs", month)
    assert told.code == code
    assert said in told.err
    assert told.err.count("\n") == 1


PLAIN = """
import json, sqlite3, sys
from pathlib import Path
for file in Path(sys.argv[1]).glob("*/run.db"):
    db = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)
    info = {key: json.loads(value) for key, value in db.execute("SELECT key, value FROM info")}
    print(info["id"], info["verdict"], info["figures"])
"""
"""The least that a list of runs can be."""
PLAINLY = 2.7
"""Times what plain code takes: a second where it takes 0.37 s. A slower machine may take longer."""


class Took(NamedTuple):
    """A program's processor seconds, which do not count what else the machine is busy with."""

    cpu_s: float
    out: str


def took(*words: str | Path) -> Took:
    """What Python took for `WORDS`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=os.environ)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Took(cpu_s, done.stdout)


@pytest.mark.truth
@pytest.mark.timeout(300)
def test_a_thousand_runs_list_within_a_second_and_draw_within_ten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_many(tmp_path, [(400, 90e3, {}), (350, 108e3, {"api.pool_size": 3}), (250, 80e3, {})])
    harness = ROOT / "harness.py"
    listed, plain = zip(
        *((took(harness, "runs", "--runs", tmp_path), took("-c", PLAIN, tmp_path)) for _ in range(5)),
        strict=True,
    )
    drawn = took(harness, "history", "web/trpc", "--runs", tmp_path)
    indexed = took(harness, "runs", "index", "--runs", tmp_path)
    size_mb = (tmp_path / "history-web-trpc.html").stat().st_size / 1e6
    list_s, plain_s = (min(one.cpu_s for one in tries) for tries in (listed, plain))
    with capsys.disabled():
        sys.stdout.write(
            f"\n1,000 runs: list {list_s:.2f} s (plain code {plain_s:.2f} s), history {drawn.cpu_s:.1f} s"
            f" ({size_mb:.2f} MB), index {indexed.cpu_s:.1f} s\n"
        )
    assert len(listed[0].out.splitlines()) == 1001
    assert len(plain[0].out.splitlines()) == 1000
    assert drawn.out.count("with it") == 2
    assert list_s < max(1.0, PLAINLY * plain_s)
    assert drawn.cpu_s < max(10.0, 10 * PLAINLY * plain_s)
