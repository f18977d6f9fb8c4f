from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from results import open_run
from tests.commands.conftest import Call, store
from tests.reports.html_check import check


def test_two_runs_are_told_in_lines_and_drawn_on_a_page(call: Call, stored: Path, tmp_path: Path) -> None:
    told = call("compare", "20260101", "20260103", "--page", tmp_path / "c.html", "--runs", stored)
    assert told.code == 0
    assert told.out.startswith("p99 is ")
    before = open_run(stored / "20260101-100000-good").merged("todo.list", 5).quantile_us(0.99) / 1e3
    line = next(line for line in told.out.splitlines() if line.strip().startswith("todo.list"))
    assert f"{before:.1f} ms" in line
    page = (tmp_path / "c.html").read_text()
    assert check(page).problems == []
    for title in ("All percentiles", "By endpoint", "Over time", "How full each part was", "What differs"):
        assert title in page


def test_endpoints_come_by_the_size_of_their_change(call: Call, stored: Path, tmp_path: Path) -> None:
    told = call("compare", "20260101", "20260103", "--page", tmp_path / "c.html", "--runs", stored)
    lines = told.out.splitlines()
    begin = next(number for number, line in enumerate(lines) if line.strip().startswith("all"))
    found = [line.split("×")[1].split()[0] for line in lines[begin + 1 :] if "×" in line]
    assert len(found) > 4
    assert found == sorted(found, key=float, reverse=True)


def test_runs_of_the_same_system_show_no_difference(call: Call, stored: Path, tmp_path: Path) -> None:
    told = call("compare", "20260101", "20260104", "--page", tmp_path / "c.html", "--runs", stored)
    assert told.out.startswith("No difference in p99")
    overall = next(line for line in told.out.splitlines() if line.strip().startswith("all"))
    assert overall.endswith("~")


def test_ten_runs_stand_side_by_side_and_eleven_do_not(call: Call, stored: Path, tmp_path: Path) -> None:
    names = [Path(shutil.copytree(stored / "20260101-100000-good", tmp_path / f"run-{n}")) for n in range(11)]
    for number, name in enumerate(names):
        with sqlite3.connect(name / "run.db") as db:
            db.execute("UPDATE info SET value = ? WHERE key = 'id'", (f'"run-{number}"',))
    told = call("compare", *names[:10], "--runs", tmp_path)
    assert told.code == 0
    page = tmp_path / "compare-run-0-and-9-more.html"
    assert str(page) in told.out
    assert check(page.read_text()).problems == []
    refused = call("compare", *names, "--runs", tmp_path)
    assert (refused.code, refused.err) == (2, "harness: compare takes 2 to 10 runs, not 11\n")


def test_runs_are_named_by_path_id_beginning_and_last(call: Call, stored: Path, tmp_path: Path) -> None:
    path = stored / "20260101-100000-good"
    for first, second in (
        (path, "last"),
        (path / "run.db", "20260104-100000-none"),
        ("20260101", "20260104"),
    ):
        told = call("compare", first, second, "--page", tmp_path / "c.html", "--runs", stored)
        assert "(20260101-100000-good)" in told.out
        assert "(20260104-100000-none)" in told.out


def test_what_differs_and_what_forbids_a_comparison_is_said(call: Call, tmp_path: Path) -> None:
    store(tmp_path, "before", tiers=("host",))
    knobs = {"environment": {"knobs": {"api.pool_size": 3}}}
    store(tmp_path, "after", tiers=("host",), stages="60/s for 20s", info=knobs)
    told = call("compare", "before", "after", "--runs", tmp_path)
    assert "differs: knobs api.pool_size: 10 → 3" in told.out
    assert "doubt: after had the stages" in told.out


@pytest.mark.parametrize(
    ("names", "code", "said"),
    [
        (["20260101"], 2, "compare takes 2 to 10 runs, not 1"),
        ([], 2, "Missing argument"),
        (["20260101", "20260101"], 2, "was named twice"),
        (["20260101", "20269999"], 1, "there is no run '20269999'"),
        (["20260101", "/etc/hostname"], 1, "/etc/hostname"),
    ],
)
def test_bad_input_is_one_line(call: Call, stored: Path, names: list[str], code: int, said: str) -> None:
    told = call("compare", *names, "--runs", stored)
    assert told.code == code
    assert said in told.err
    assert told.err.count("\n") == 1


def test_a_run_that_cannot_be_read_is_one_line(call: Call, stored: Path, tmp_path: Path) -> None:
    file = tmp_path / "broken" / "run.db"
    file.parent.mkdir()
    whole = (stored / "20260101-100000-good" / "run.db").read_bytes()
    for content in (b"", b"no database" * 900, whole[:9000], whole[:20000] + b"\x07" * 40000 + whole[60000:]):
        file.write_bytes(content)
        told = call("compare", "20260101", file, "--page", tmp_path / "c.html", "--runs", stored)
        assert (told.code, told.err.count("\n")) == (1, 1), told.err
        assert "Traceback" not in told.err
        assert not (tmp_path / "c.html").exists()
