"""Faults within a run of the real stack: they begin, they end, whatever happens, and the run says so."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from analysis.fault_effects import fault_effects
from results import open_run
from stack import faults, supervision
from stack.control import running_stacks
from stack.place import Place
from stack.status import status
from tests.e2e.conftest import ROOT, Harness

pytestmark = pytest.mark.stack


def test_an_instance_that_is_killed_for_a_while_is_noticed_and_comes_back(
    stack: str, harness: Harness, tmp_path: Path
) -> None:
    done = harness(
        *("run", "web/browse", "--target", stack, "--rate", "4/s", "--for", "20s", "--warmup", "1s"),
        *("--fault", "web1-down@5s..9s", "--runs", str(tmp_path)),
    )
    assert done.returncode in (0, 4), done.stdout + done.stderr
    (folder,) = tmp_path.glob("*")
    (effect,) = fault_effects(open_run(folder))
    assert 5 <= effect.from_s < effect.to_s
    assert effect.to_s >= 9
    assert effect.sign  # that web1 is out, or that it does not answer
    assert effect.detect_s is not None
    assert "fault web1-down, 0:0" in done.stdout
    assert 'id="faults"' in (folder / "report.html").read_text()
    assert not faults.active(stack)
    assert status(stack).healthy


def with_a_fault_on(stack: str, runs: Path) -> "subprocess.Popen[str]":
    """A run of the harness in which slow-redis has begun."""
    command = [
        sys.executable,
        str(ROOT / "harness.py"),
        "run",
        "web/trpc",
        "--target",
        stack,
        "--rate",
        "5/s",
    ]
    command += ["--for", "90s", "--fault", "slow-redis@1s..80s", "--runs", str(runs)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not faults.active(stack):
        time.sleep(0.1)
    assert faults.active(stack) == ["slow-redis"]
    return process


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_fault_is_ended_when_the_run_is_interrupted(
    stack: str, tmp_path: Path, sign: signal.Signals
) -> None:
    process = with_a_fault_on(stack, tmp_path)
    process.send_signal(sign)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert not faults.active(stack)
    assert status(stack).healthy


def test_the_fault_of_a_run_that_was_killed_is_ended_by_the_next_up(
    stack: str, harness: Harness, tmp_path: Path
) -> None:
    process = with_a_fault_on(stack, tmp_path)
    process.kill()
    process.communicate(timeout=60)
    assert faults.active(stack) == ["slow-redis"]
    done = harness("up", "--name", stack)
    assert done.returncode == 0, done.stderr
    assert not faults.active(stack)
    assert not [p for p in supervision.survivors(Place(stack)) if "stack.disturb" in p.cmdline()]
    assert status(stack).healthy


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--fault", "small-pool@1s..2s"], "harness up --fault small-pool"),
        (["--fault", "web1-down@50s..90s"], "lies outside the run"),
        (["--fault", "web1-down"], "write it like web1-down@30s..45s"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_before_anything_starts(
    stack: str, harness: Harness, tmp_path: Path, words: list[str], said: str
) -> None:
    done = harness("run", "web/trpc", "--target", stack, "--for", "60s", *words, "--runs", str(tmp_path))
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_target_that_is_no_stack_takes_no_faults(harness: Harness, tmp_path: Path) -> None:
    file = tmp_path / "elsewhere.toml"
    file.write_text('allow_load = true\nbase_url = "http://127.0.0.1:9"\n')
    done = harness("run", "web/trpc", "--target", str(file), "--for", "9s", "--fault", "web1-down@1s..2s")
    assert done.returncode == 2, done.stderr
    assert "target elsewhere is no stack" in done.stderr
    assert "elsewhere" not in running_stacks()
