from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
import xmlschema
from markdown_it import MarkdownIt

from tests.analysis.duel.test_stored import store as store_duel
from tests.commands.conftest import Call, store

SCHEMA = xmlschema.XMLSchema(Path(__file__).parent.parent / "reports" / "junit-10.xsd")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["20260101"], 0, "PASS: All 2 objectives are kept."),
        (["20260102"], 3, "FAIL: 1 of 2 objectives missed: todo.list p50 < 1 ms"),
        (["20260104"], 4, "CANNOT TELL: "),
        (["20260104", "--inconclusive", "pass"], 0, "CANNOT TELL: "),
        (["20260104", "--inconclusive", "fail"], 3, "CANNOT TELL: "),
        (["20260104", "--baseline", "20260101"], 0, "PASS: Not worse than the stored baseline"),
        (["20260103", "--baseline", "20260101"], 3, "FAIL: Worse than the stored baseline"),
    ],
)
def test_the_exit_code_says_what_was_found(
    call: Call, stored: Path, words: list[str], code: int, said: str
) -> None:
    told = call("gate", *words, "--runs", stored)
    assert (told.code, told.err) == (code, "")
    assert told.out.startswith(said)


def test_all_forms_are_written_and_agree(call: Call, stored: Path, tmp_path: Path) -> None:
    files = {name: tmp_path / "out" / name for name in ("junit.xml", "gate.md", "gate.json")}
    told = call(
        *("gate", "20260103", "--baseline", "20260101", "--runs", stored, "--junit", files["junit.xml"]),
        *("--markdown", files["gate.md"], "--json", files["gate.json"]),
    )
    assert told.code == 3
    SCHEMA.validate(files["junit.xml"].read_text())
    answer = json.loads(files["gate.json"].read_text())
    assert (answer["verdict"], answer["exit_code"], answer["kind"]) == ("fail", 3, "baseline")
    assert answer["sentence"] in told.out
    page = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(files["gate.md"].read_text())
    assert page.count("<tr>") == 2 + len(answer["outcomes"])  # two heads, and a row for each
    assert "weaker than a duel" in page
    assert "weaker than a duel" in told.out


def test_annotations_come_on_github_and_where_asked_for(
    call: Call, stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "::error" not in call("gate", "20260102", "--runs", stored).out
    assert "::error" in call("gate", "20260102", "--annotations", "--runs", stored).out
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert "::error" in call("gate", "20260102", "--runs", stored).out
    assert "::error" not in call("gate", "20260102", "--no-annotations", "--runs", stored).out


def test_the_summary_links_the_ci_job(
    call: Call, stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI_JOB_URL", "https://ci.example/jobs/7")
    call("gate", "20260101", "--runs", stored, "--markdown", tmp_path / "gate.md")
    assert "(https://ci.example/jobs/7/artifacts/browse)" in (tmp_path / "gate.md").read_text()


def test_the_tolerances_of_the_plan_decide(call: Call, tmp_path: Path) -> None:
    store(tmp_path, "1-before")
    names = ("typical", "p50", "p95", "p99", "cpu", "hits", "db_calls", "rate", "errors")
    plan = {"tolerances": ", ".join(f"{name} 9900%" for name in names)}
    store(tmp_path, "2-after", seed=9, capacity_per_s=140.0, info={"plan": plan})
    assert call("gate", "2-after", "--baseline", "1-before", "--runs", tmp_path).code == 0


def test_a_run_that_is_not_valid_is_no_pass(call: Call, tmp_path: Path) -> None:
    folder = store(tmp_path, "r", "p95 < 2s")
    with sqlite3.connect(folder / "run.db") as db:
        db.execute("UPDATE info SET value = '\"interrupted\"' WHERE key = 'state'")
    told = call("gate", folder, "--junit", tmp_path / "junit.xml")
    assert told.code == 4
    assert "the run was interrupted" in told.out
    assert (tmp_path / "junit.xml").read_text().count("<skipped") == 2  # the run itself, and its objective


def test_a_duel_is_gated_by_its_verdict(call: Call, tmp_path: Path) -> None:
    store_duel(tmp_path / "worse")
    told = call("gate", "worse", "--runs", tmp_path, "--junit", tmp_path / "junit.xml")
    assert told.code == 3
    assert told.out.startswith("FAIL: Worse: ")
    SCHEMA.validate((tmp_path / "junit.xml").read_text())
    refused = call("gate", "worse", "--baseline", "worse", "--runs", tmp_path)
    assert (refused.code, refused.err.count("\n")) == (2, 1)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["20269999"], 1, "there is no run '20269999'"),
        (["2026"], 1, "4 runs begin with '2026'"),
        (["last", "--baseline", "nothing"], 1, "there is no run 'nothing'"),
        (["last", "--inconclusive", "perhaps"], 2, "'perhaps' is not one of"),
        (["last", "--junit", "/proc/nowhere/junit.xml"], 1, "cannot write /proc/nowhere/junit.xml"),
        ([], 2, "Missing argument 'RUN|DUEL'"),
    ],
)
def test_bad_input_is_one_line(call: Call, stored: Path, words: list[str], code: int, said: str) -> None:
    told = call("gate", *words, "--runs", stored)
    assert told.code == code
    assert said in told.err
    assert told.err.count("\n") == 1


def test_a_damaged_run_is_one_line(call: Call, tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "run.db").write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    told = call("gate", "broken", "--runs", tmp_path)
    assert (told.code, told.err.count("\n")) == (1, 1)


def test_runs_that_cannot_be_compared_are_refused_unless_forced(call: Call, tmp_path: Path) -> None:
    store(tmp_path, "1-before")
    store(tmp_path, "2-other", stages="60/s for 30s")
    told = call("gate", "2-other", "--baseline", "1-before", "--runs", tmp_path)
    assert told.code == 4
    assert "cannot be compared: 2-other had the stages" in told.err
    forced = call("gate", "2-other", "--baseline", "1-before", "--runs", tmp_path, "--force")
    assert "note: forced although 2-other had the stages" in forced.out
