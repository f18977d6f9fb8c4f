from __future__ import annotations

import io
import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from results import open_run
from tests.analysis.duel.test_stored import store as store_duel
from tests.commands.conftest import Call, store


def copied(stored: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stored, tmp_path / "runs"))


def names(listing: str) -> list[str]:
    """The last part of each run's name, in the order listed."""
    return [line.split()[0].rpartition("-")[2] for line in listing.splitlines()[1:]]


def test_the_list_shows_verdict_rate_and_p99_of_the_page_the_newest_first(call: Call, stored: Path) -> None:
    told = call("runs", "--runs", stored)
    assert names(told.out) == ["none", "slow", "missed", "good"]
    good = told.out.splitlines()[4]
    run = open_run(stored / "20260101-100000-good")
    assert f"{run.merged(start_s=5).quantile_us(0.99) / 1e3:.1f} ms" in good
    assert " pass " in good
    assert " fail " in told.out.splitlines()[3]
    assert " valid " in told.out.splitlines()[1]
    starts = {line.find("local") for line in told.out.splitlines()[1:]}
    assert len(starts) == 1, "columns are aligned"


def test_what_the_run_stored_at_its_end_is_shown_without_reading_it(call: Call, tmp_path: Path) -> None:
    store(tmp_path, "r", info={"verdict": "fail", "figures": {"p99": 42e3, "errors": 0.25, "rate": 77.0}})
    line = call("runs", "--runs", tmp_path).out.splitlines()[1]
    assert line.split()[:6] == ["r", "fail", "77/s", "42", "ms", "25%"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["--scenario", "trpc"], ["none", "slow", "missed", "good"]),
        (["--scenario", "browse"], []),
        (["--target", "local", "--limit", "1"], ["none"]),
        (["--target", "elsewhere"], []),
        (["--since", "2026-01-01"], ["none", "slow", "missed", "good"]),
        (["--since", "2026-12-31"], []),
        (["--verdict", "fail"], ["missed"]),
        (["--tag", "baseline"], []),
    ],
)
def test_filters(call: Call, stored: Path, words: list[str], found: list[str]) -> None:
    told = call("runs", *words, "--runs", stored)
    assert told.code == 0
    assert (names(told.out) if found else told.out.startswith("none of the 4 runs")) == (found or True)


def test_a_tag_names_the_newest_run_that_has_it(call: Call, stored: Path, tmp_path: Path) -> None:
    runs = copied(stored, tmp_path)
    call("runs", "tag", "20260101", "baseline", "--runs", runs)
    assert names(call("runs", "--tag", "baseline", "--runs", runs).out) == ["good"]
    call("runs", "tag", "20260104", "baseline", "v2.1", "--runs", runs)
    assert call("gate", "20260102", "--baseline", "baseline", "--runs", runs, "--json", runs / "g").code == 3
    assert "2026-11-23" in json.loads((runs / "g").read_text())["notes"][0]
    told = call("runs", "untag", "20260104", "baseline", "--runs", runs)
    assert told.out.strip().endswith("v2.1")
    assert names(call("runs", "--tag", "baseline", "--runs", runs).out) == ["good"]


def test_tagging_leaves_run_db_as_it_is(call: Call, stored: Path, tmp_path: Path) -> None:
    runs = copied(stored, tmp_path)
    before = (runs / "20260101-100000-good" / "run.db").read_bytes()
    call("runs", "tag", "20260101", "baseline", "--runs", runs)
    assert (runs / "20260101-100000-good" / "run.db").read_bytes() == before


def test_a_run_is_deleted_only_when_told_twice(
    call: Call, stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = copied(stored, tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    told = call("runs", "delete", "20260101", "20260102", "--runs", runs)
    assert told.code == 1
    assert "20260101-100000-good" in told.err
    assert "KiB" in told.err
    assert "nothing was deleted" in told.err
    assert len(list(runs.glob("*/run.db"))) == 4
    assert call("runs", "delete", "20260101", "20260102", "--yes", "--runs", runs).code == 0
    assert names(call("runs", "--runs", runs).out) == ["none", "slow"]


def test_what_was_deleted_is_brought_back_as_it_was(call: Call, stored: Path, tmp_path: Path) -> None:
    runs = copied(stored, tmp_path)
    before = (runs / "20260101-100000-good" / "run.db").read_bytes()
    told = call("runs", "delete", "20260101", "20260102", "--yes", "--runs", runs)
    again = told.out.partition("'harness ")[2].partition("'")[0]
    assert call(*again.split(), "--runs", runs).code == 0
    assert names(call("runs", "--runs", runs).out) == ["none", "slow", "missed", "good"]
    assert (runs / "20260101-100000-good" / "run.db").read_bytes() == before


def test_what_was_deleted_is_gone_for_good_when_that_is_asked_for(
    call: Call, stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = copied(stored, tmp_path)
    call("runs", "delete", "20260101", "--yes", "--runs", runs)
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert call("runs", "empty", "--runs", runs).code == 1
    assert call("runs", "empty", "--yes", "--runs", runs).out == "gone: 20260101-100000-good\n"
    assert call("runs", "empty", "--yes", "--runs", runs).out.startswith("there are no deleted runs")
    told = call("runs", "restore", "20260101", "--runs", runs)
    assert (told.code, told.err.count("\n")) == (1, 1)
    assert "there is no deleted run '20260101'" in told.err
    assert names(call("runs", "--runs", runs).out) == ["none", "slow", "missed"]


def test_a_tagged_run_is_not_deleted(call: Call, stored: Path, tmp_path: Path) -> None:
    runs = copied(stored, tmp_path)
    call("runs", "tag", "20260101", "baseline", "--runs", runs)
    told = call("runs", "delete", "20260102", "20260101", "--yes", "--runs", runs)
    assert told.code == 1
    assert "is tagged baseline: nothing was deleted" in told.err
    assert len(list(runs.glob("*/run.db"))) == 4


def test_a_run_that_is_being_made_is_not_deleted(call: Call, tmp_path: Path) -> None:
    folder = store(tmp_path, "r")
    with sqlite3.connect(folder / "run.db") as db:
        db.execute("UPDATE info SET value = '\"running\"' WHERE key = 'state'")
    told = call("runs", "delete", "r", "--yes", "--runs", tmp_path)
    assert told.code == 1
    assert "is being made right now" in told.err
    assert folder.exists()


def test_nothing_outside_the_runs_folder_is_deleted(call: Call, stored: Path, tmp_path: Path) -> None:
    runs = copied(stored, tmp_path)
    elsewhere = Path(shutil.copytree(stored / "20260101-100000-good", tmp_path / "elsewhere"))
    (runs / "link").symlink_to(elsewhere)
    (runs / "notes").mkdir()
    duel = store_duel(runs / "20260105-100000-duel").folder
    for name in (elsewhere, "link", "notes", "..", ".", runs, f"{duel.name}/pair-1-baseline"):
        told = call("runs", "delete", name, "--yes", "--runs", runs)
        assert (told.code, told.err.count("\n")) == (1, 1), name
    assert (elsewhere / "run.db").is_file()
    assert (duel / "pair-1-baseline" / "run.db").is_file()
    assert call("runs", "delete", duel.name, "--yes", "--runs", runs).code == 0
    assert not duel.exists()


@pytest.mark.parametrize(("form", "begins"), [("csv", "second,"), ("json", "{"), ("hdr", "#[Histogram log")])
def test_exports_go_to_the_terminal_or_a_file(
    call: Call, stored: Path, tmp_path: Path, form: str, begins: str
) -> None:
    told = call("runs", "export", "20260101", "--format", form, "--runs", stored)
    assert told.out.startswith(begins)
    call("runs", "export", "20260101", "--format", form, "--out", tmp_path / "x", "--runs", stored)
    assert (tmp_path / "x").read_text() == told.out


def test_a_damaged_run_and_a_duel_are_listed_too(call: Call, tmp_path: Path) -> None:
    (tmp_path / "20260102-broken").mkdir()
    (tmp_path / "20260102-broken" / "run.db").write_text("no database " * 500)
    duel = store_duel(tmp_path / "20260101-duel")
    duel.verdict, duel.sentence = "fail", "Worse: p99 is up."
    duel.save()
    told = call("runs", "--runs", tmp_path)
    assert told.code == 0
    _, broken, fought = told.out.splitlines()
    assert broken.startswith("20260102-broken  cannot be read: ")
    assert "small against large" in fought
    assert "Worse: p99 is up." in fought


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--since", "yesterday"], 2, "'yesterday' is no time"),
        (["tag", "20260101", "a b"], 2, "'a b' is no tag"),
        (["tag", "20260101"], 2, "Missing argument 'TAG...'"),
        (["export", "20260101", "--format", "xml"], 2, "'xml' is not one of"),
        (["delete", "20269999", "--yes"], 1, "there is no run '20269999'"),
        (["delete", "2026", "--yes"], 1, "4 runs begin with '2026'"),
    ],
)
def test_bad_input_is_one_line(call: Call, stored: Path, words: list[str], code: int, said: str) -> None:
    told = call("runs", *words, "--runs", stored)
    assert told.code == code
    assert said in told.err
    assert told.err.count("\n") == 1


def test_the_index_links_reports_and_shows_verdicts(call: Call, stored: Path, tmp_path: Path) -> None:
    runs = copied(stored, tmp_path)
    call("report", "20260101", "--runs", runs)
    told = call("runs", "index", "--runs", runs)
    page = (runs / "index.html").read_text()
    assert str(runs / "index.html") in told.out
    assert 'href="20260101-100000-good/report.html"' in page
    assert 'href="20260102-100000-missed' not in page
    assert ">fail<" in page
