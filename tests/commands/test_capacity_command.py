"""What `harness capacity` says: of a search that ended, and to bad input before anything starts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import harness
from drive import capacity
from results import open_run
from results.catalogue import read_entry
from tests.commands.conftest import Call
from tests.reports.sample_run import write_sample
from tests.reports.sample_search import found_in, search_shape


@pytest.fixture
def search(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """`harness capacity WORDS` where the search finds what is stored: a limit unless `found` is False."""

    def run(*words: str, found: bool = True, interrupted: bool = False) -> Any:
        for name in ("blank", "search"):
            shutil.rmtree(tmp_path / name, ignore_errors=True)
        blank = open_run(write_sample(tmp_path, search_shape(), "blank"))
        told = found_in(blank, found=found)
        folder = write_sample(tmp_path, search_shape(info={"capacity": told.to_dict()}), "search").parent
        monkeypatch.setattr(
            capacity, "find_capacity", lambda *_, **__: capacity.Found(folder, told, interrupted)
        )
        target = tmp_path / "aim.toml"
        target.write_text('allow_load = true\nbase_url = "http://127.0.0.1:9"\n')
        return call("capacity", "web/trpc", "--target", target, "--runs", tmp_path, *words)

    return run


def test_a_capacity_that_is_found_ends_with_exit_code_0_and_its_page(search: Call, tmp_path: Path) -> None:
    said = search()
    assert said.code == 0
    assert said.out.startswith("171/s within p99 < 250 ms; then the API's replica pool (")
    assert said.out.splitlines()[-1] == f"report: {tmp_path / 'search' / 'report.html'}"
    assert "The system carries" in (tmp_path / "search" / "report.html").read_text()


def test_where_none_can_be_claimed_the_exit_code_is_4(search: Call) -> None:
    said = search(found=False)
    assert said.code == 4
    assert said.out.startswith("The system carries at least 160/s: it never failed up to the highest rate")


def test_lists_know_the_answer_from_the_head_of_the_run(search: Call, tmp_path: Path) -> None:
    search()
    entry = read_entry(tmp_path / "search" / "run.db")
    assert (entry.judged, entry.figures) == ("valid", {"rate": 171})
    assert entry.said.startswith("171/s within p99 < 250 ms; then the API's replica pool (")
    search(found=False)
    entry = read_entry(tmp_path / "search" / "run.db")
    assert (entry.judged, entry.figures) == ("cannot tell", {})
    assert entry.said.startswith("The system carries at least 160/s")


def test_lists_read_the_whole_of_a_search_whose_head_does_not_hold_its_answer(
    call: Call, tmp_path: Path
) -> None:
    blank = open_run(write_sample(tmp_path / "elsewhere", search_shape()))
    for name, found in (("20260101-found", True), ("20260102-beyond", False)):
        info = {"capacity": found_in(blank, found=found).to_dict()}
        write_sample(tmp_path, search_shape(info=info), name)
    beyond, limited = call("runs", "--runs", tmp_path).out.splitlines()[1:]
    assert limited.split()[:3] == ["20260101-found", "valid", "171/s"]
    assert "171/s within p99 < 250 ms" in limited
    assert beyond.split()[:3] == ["20260102-beyond", "cannot", "tell"]
    assert "The system carries at least 160/s" in beyond
    call("runs", "index", "--runs", tmp_path)
    page = (tmp_path / "index.html").read_text()
    assert "171/s within p99 &lt; 250 ms; then the API&#39;s replica pool" in page
    assert "The system carries at least 160/s" in page


def test_a_report_of_a_stored_search_ends_with_the_same_exit_code(
    search: Call, call: Call, tmp_path: Path
) -> None:
    codes = []
    for found in (True, False):
        search(found=found)
        codes.append(call("report", tmp_path / "search").code)
    assert codes == [0, 4]


@pytest.mark.parametrize(("found", "code"), [(True, 0), (False, 4)])
def test_json_is_all_that_is_printed_and_ends_with_the_same_exit_code(
    search: Call, found: bool, code: int
) -> None:
    said = search("--json", found=found)
    plain = json.loads(said.out)
    assert said.code == code
    assert plain["claimed"] == found
    assert plain["capacity"]["rate_per_s"] == (171 if found else None)


def test_a_search_that_was_interrupted_says_so_and_ends_with_exit_code_130(search: Call) -> None:
    said = search(interrupted=True)
    assert said.code == 130
    assert said.out.startswith("171/s")
    assert "interrupted" in said.err


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
