"""Load by workers that are started apart from the run, as real processes, against a server that counts."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from load.launch import free_port
from results import Run, open_run
from tests.e2e.conftest import ROOT, call
from tests.truth.loads import calibrated_server, served

SCENARIO = "tests/truth/one_request.py"
Process = subprocess.Popen[str]
LONG_S = 180.0


def wait_until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONG_S
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@contextmanager
def started(*words: str) -> Iterator[Process]:
    """`harness WORDS` while it runs; what it prints comes together."""
    command = [sys.executable, str(ROOT / "harness.py"), *words]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            for each in psutil.Process(process.pid).children(recursive=True):
                each.kill()
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def ended(process: Process) -> str:
    return process.communicate(timeout=LONG_S)[0]


@contextmanager
def running(url: str, folder: Path, *words: str) -> Iterator[Process]:
    """`harness run` of the plainest scenario on the calibrated server."""
    target = folder / "counting.toml"
    target.write_text(f'base_url = "{url}"\nallow_load = true\n')
    with started("run", SCENARIO, "--target", str(target), "--runs", str(folder), *words) as run:
        yield run


@contextmanager
def two_workers_wanted(folder: Path, *words: str) -> Iterator[tuple[str, Process, list[str]]]:
    """The server's address, a run on it that waits for two workers, and the command that starts one."""
    port = free_port()
    load = ("--workers", "2", "--bind", f"127.0.0.1:{port}", *words)
    with (
        calibrated_server("--slots", "20", "--service", "0.01") as (url, _),
        running(url, folder, *load) as run,
    ):
        yield url, run, ["worker", "--master", f"127.0.0.1:{port}"]


def told(folder: Path) -> Run:
    (file,) = folder.glob("*/run.db")
    return open_run(file)


def read_until(process: Process, words: str) -> None:
    """Reads what is printed up to a line with these words."""
    assert process.stdout is not None
    assert any(words in line for line in process.stdout), words


def test_two_workers_make_all_of_the_load_and_every_request_is_counted(tmp_path: Path) -> None:
    with (
        two_workers_wanted(tmp_path, "--rate", "200/s", "--for", "4s") as (url, run, worker),
        started(*worker) as first,
        started(*worker) as second,
    ):
        said = ended(run)
        assert run.returncode == 0, said
        for each in (first, second):
            ended(each)
            assert each.returncode == 0, said
        counted = served(url)
    assert "2 of 2 workers are there" in said
    result = told(tmp_path)
    account = result.account
    assert account.missing == 0
    assert account.scheduled == account.finished == counted == result.merged().count
    assert set(result.accounts) == {"g0", "g1"}
    assert all(each.scheduled > 200 for each in result.accounts.values())


def test_a_worker_killed_in_the_run_is_named_with_its_second_and_the_run_is_not_valid(tmp_path: Path) -> None:
    with (
        two_workers_wanted(tmp_path, "--rate", "200/s", "--for", "6s") as (url, run, worker),
        started(*worker) as first,
        started(*worker),
    ):
        wait_until(lambda: served(url) > 300)
        os.kill(first.pid, signal.SIGKILL)
        said = ended(run)
        counted = served(url)
    assert run.returncode == 4, said
    result = told(tmp_path)
    (lost,) = [event for event in result.events if event.kind == "lost"]
    assert re.search(
        rf"generator g[01] was lost at {lost.at_s:.0f} s: its process {first.pid} ended", said
    ), said
    account = result.account
    assert account.missing == 0
    assert account.finished <= counted <= account.scheduled
    assert set(result.accounts) == {"g0", "g1"}


def test_who_left_before_the_load_began_is_replaced_and_one_too_many_is_sent_away(tmp_path: Path) -> None:
    with (
        two_workers_wanted(tmp_path, "--rate", "100/s", "--for", "3s") as (url, run, worker),
        started(*worker) as leaving,
    ):
        read_until(run, "1 of 2 workers are there")
        os.kill(leaving.pid, signal.SIGKILL)
        read_until(run, "0 of 2 workers are there")
        with (
            started(*worker) as first,
            started(*worker) as second,
            started(*worker) as third,
        ):
            said = ended(run)
            assert run.returncode == 0, said
            counted = served(url)
            words = [ended(each) for each in (first, second, third)]
            codes = sorted(each.returncode for each in (first, second, third))
    assert codes == [0, 0, 1], words
    assert sum("has its 2 workers already" in each for each in words) == 1
    assert told(tmp_path).account.finished == counted


def test_too_few_workers_end_the_run_with_how_many_came(tmp_path: Path) -> None:
    with (
        two_workers_wanted(tmp_path, "--rate", "9/s", "--for", "9s", "--wait", "8s") as (_, run, worker),
        started(*worker) as alone,
    ):
        said = ended(run)
        assert run.returncode == 1
        ended(alone)
    assert re.search(r"harness: [01] of 2 workers came to 127\.0\.0\.1:\d+ within 8 s: start", said), said


def test_a_generator_that_was_alone_and_is_killed_leaves_an_account(tmp_path: Path) -> None:
    with (
        calibrated_server("--slots", "20", "--service", "0.01") as (url, _),
        running(url, tmp_path, "--rate", "200/s", "--for", "60s", "--arrivals", "even") as run,
    ):
        wait_until(lambda: served(url) > 300)
        (generator,) = psutil.Process(run.pid).children()
        generator.kill()
        said = ended(run)
        counted = served(url)
    assert run.returncode == 4, said
    found = re.search(
        rf"generator was lost at (\d+) s: its process {generator.pid} was ended by SIGKILL", said
    )
    assert found, said
    account = told(tmp_path).account
    assert account.missing == 0
    assert 0 < account.finished <= counted <= account.scheduled
    # Evenly spaced, so its arrivals up to any moment of that second are known.
    assert 200 * int(found[1]) <= account.scheduled <= 200 * (int(found[1]) + 1)


def test_a_killed_master_ends_the_run_with_its_reason_and_its_workers_end_by_themselves(
    tmp_path: Path,
) -> None:
    with (
        two_workers_wanted(tmp_path, "--rate", "200/s", "--for", "90s") as (url, run, worker),
        started(*worker) as first,
        started(*worker) as second,
    ):
        wait_until(lambda: served(url) > 300)
        (master,) = psutil.Process(run.pid).children()
        master.kill()
        said = ended(run)
        ended(first)
        ended(second)
    assert run.returncode == 4, said
    assert f"its process {master.pid} was ended by SIGKILL" in said
    assert (first.returncode, second.returncode) == (1, 1)
    result = told(tmp_path)
    assert result.state == "aborted"
    assert result.account.missing == 0
    assert set(result.accounts) == {"g0", "g1"}


def test_no_run_at_the_address_is_one_line_and_exit_code_1() -> None:
    done = call("worker", "--master", f"127.0.0.1:{free_port()}", "--wait", "1s")
    assert done.returncode == 1
    (_, problem) = done.stderr.splitlines()
    assert problem.startswith("harness: no run waits at 127.0.0.1:")


def test_an_address_that_is_taken_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", free_port())) as taken,
        running(
            "http://127.0.0.1:9", tmp_path, "--workers", "2", "--bind", f"127.0.0.1:{taken.getsockname()[1]}"
        ) as run,
    ):
        said = ended(run)
    assert run.returncode == 1
    assert "harness: cannot listen on 127.0.0.1:" in said.splitlines()[-1]


@pytest.mark.parametrize(
    "words", [("--workers", "2", "--processes", "2"), ("--workers", "2", "--bind", "a:b")]
)
def test_what_cannot_be_asked_is_refused_before_anything_starts(words: tuple[str, ...]) -> None:
    assert call("run", SCENARIO, *words).returncode == 2
