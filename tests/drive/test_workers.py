from pathlib import Path
from typing import Any

import pytest

from drive import workers
from drive.workers import join, parse_address, workers_from
from load.joining import fingerprint, invitation
from results import HarnessError, UsageError

SCENARIO = "scenarios/web/trpc.py"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("10.0.0.5", ("10.0.0.5", 5557)),
        ("gen-1.example:80", ("gen-1.example", 80)),
        ("0.0.0.0:6000", ("0.0.0.0", 6000)),
    ],
)
def test_an_address_is_a_host_and_a_port_or_locust_s_own(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text", ["", ":5557", "host:", "host:0", "host:x", "host:99999", "a/b", "http://host", "u@h"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not an address"):
        parse_address(text)


def test_without_workers_load_is_made_here() -> None:
    assert workers_from(None, "127.0.0.1", "5m") is None


def test_too_few_say_how_many_came_where_and_what_to_do() -> None:
    asked = workers_from(3, "10.0.0.5:6000", "90s")
    assert asked is not None
    said = asked.too_few(1)
    assert said.startswith("1 of 3 workers came to 10.0.0.5:6000 within 1 min 30 s")
    assert "'harness worker --master 10.0.0.5:6000'" in said


def answer_with(told: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    became: list[list[str]] = []
    monkeypatch.setattr(workers, "ask_master", lambda *_: told)
    monkeypatch.setattr(workers, "become", lambda command, environment: became.append(command))
    return became


def test_a_worker_runs_the_scenario_that_the_run_names(monkeypatch: pytest.MonkeyPatch) -> None:
    became = answer_with(invitation("{}", SCENARIO), monkeypatch)
    join("10.0.0.5", "1s", lambda text: None)
    (command,) = became
    assert command[command.index("-f") + 1].endswith(f"/plugin.py,{workers.ROOT / SCENARIO}")
    assert command[-5:] == ["--worker", "--master-host", "10.0.0.5", "--master-port", "5557"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"scenario": "scenarios/web/gone.py"}, "is not on this machine"),
        ({"fingerprint": "another"}, "is not the one that the run has"),
    ],
)
def test_a_scenario_that_is_not_here_or_not_the_same_is_refused(
    change: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    became = answer_with(invitation("{}", SCENARIO) | change, monkeypatch)
    with pytest.raises(HarnessError, match=said):
        join("10.0.0.5", "1s", lambda text: None)
    assert not became


def test_a_scenario_changed_by_a_byte_is_another(tmp_path: Path) -> None:
    one, other = tmp_path / "one.py", tmp_path / "other.py"
    one.write_text("x = 1\n")
    other.write_text("x = 2\n")
    assert fingerprint(one) != fingerprint(other)
