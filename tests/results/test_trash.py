from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from results import HarnessError
from results.trash import KEPT_DAYS, clear, restore, throw_away, trashed


def make(runs: Path, name: str, text: str = "x") -> Path:
    folder = runs / name
    folder.mkdir(parents=True)
    (folder / "run.db").write_text(text)
    return folder


def names(runs: Path) -> list[str]:
    return [folder.name for folder in trashed(runs)]


def test_a_run_goes_and_comes_back(tmp_path: Path) -> None:
    folder = make(tmp_path, "20260101-a")
    throw_away(folder)
    assert not folder.exists()
    assert names(tmp_path) == ["20260101-a"]
    assert restore("2026", tmp_path) == folder
    assert (folder / "run.db").read_text() == "x"
    assert names(tmp_path) == []


def test_only_what_lay_there_its_time_is_cleared_however_old_the_run(tmp_path: Path) -> None:
    for name in ("20260101-a", "20260102-b"):
        folder = make(tmp_path, name)
        os.utime(folder, (0, 0))
        throw_away(folder)
    then = time.time() - (KEPT_DAYS + 1) * 86_400
    os.utime(tmp_path / ".trash" / "20260102-b", (then, then))
    assert [folder.name for folder in clear(tmp_path)] == ["20260102-b"]
    assert names(tmp_path) == ["20260101-a"]


def test_a_beginning_that_fits_several_brings_none_back(tmp_path: Path) -> None:
    for name in ("20260101", "20260101-a", "20260101-b"):
        throw_away(make(tmp_path, name))
    with pytest.raises(HarnessError, match="3 deleted runs begin with '2026'"):
        restore("2026", tmp_path)
    assert restore("20260101", tmp_path).name == "20260101"


def test_nothing_is_overwritten_on_either_way(tmp_path: Path) -> None:
    throw_away(make(tmp_path, "a", "old"))
    again = make(tmp_path, "a", "new")
    with pytest.raises(HarnessError, match="is there already"):
        restore("a", tmp_path)
    with pytest.raises(HarnessError, match="is there already"):
        throw_away(again)
    assert (again / "run.db").read_text() == "new"


def test_without_a_trash_there_is_nothing_in_it(tmp_path: Path) -> None:
    assert trashed(tmp_path) == []
    assert clear(tmp_path) == []
