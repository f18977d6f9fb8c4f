"""Every arrival is accounted for, whatever becomes of the system or of a generator."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from load.arrivals import Arrivals
from load.config import Config
from load.heard import Heard
from load.launch import LoadProcess
from load.twin import Twin
from results import Stages
from tests.truth.loads import Seen, calibrated_server, run_load, served


def planned(stages: str, generators: int = 1, seed: int = 1) -> int:
    plan = Stages.parse(stages)
    shares = [Arrivals(plan, "poisson", seed, index, generators) for index in range(generators)]
    return sum(share.pass_until(1e6) for share in shares)


def check_sums(seen: Seen) -> None:
    """The flows, the intervals and the account tell of the same arrivals (one request each)."""
    account = seen.account
    assert account.missing == 0
    assert sum(flow.scheduled for flow in seen.flows) == account.scheduled
    assert sum(flow.finished for flow in seen.flows) == account.finished
    assert sum(flow.failed for flow in seen.flows) == account.failed
    assert sum(piece.count for piece in seen.intervals) == account.scheduled
    assert sum(piece.failed for piece in seen.intervals) == account.scheduled - account.finished


@pytest.mark.parametrize("processes", [1, 3])
def test_all_planned_arrivals_are_made_and_finish(processes: int, tmp_path: Path) -> None:
    stages = "100/s for 1s, ramp to 300/s over 2s"
    with calibrated_server("--slots", "20", "--service", "0.01") as (url, _):
        seen = run_load(url, tmp_path, stages, processes=processes)
    assert seen.account.scheduled == seen.account.finished == planned(stages, processes)
    assert len(seen.accounts) == processes
    check_sums(seen)


def frozen(stages: str, at_s: float, tmp_path: Path, **config: Any) -> Seen:
    servers: list[subprocess.Popen[str]] = []

    def each(now_s: float, load: LoadProcess, seen: Seen) -> None:
        if now_s > at_s and servers:
            servers.pop().send_signal(signal.SIGSTOP)

    with calibrated_server("--slots", "8", "--service", "0.01") as (url, server):
        servers.append(server)
        return run_load(url, tmp_path, stages, each=each, **config)


@pytest.mark.parametrize("processes", [1, 3])
def test_a_server_that_freezes_is_not_a_fast_one(processes: int, tmp_path: Path) -> None:
    seen = frozen("200/s for 4s", 2.0, tmp_path, grace_s=1, max_users=150, processes=processes)
    account = seen.account
    print(f"frozen, {processes} generators: {account}")  # noqa: T201
    assert account.scheduled == planned("200/s for 4s", processes)
    assert account.unfinished == 150
    assert account.never_started > 100
    check_sums(seen)
    # All that fell due after the freeze waited until the end: no quantile may leave them out.
    everything = seen.response() + seen.response("(never started)")
    assert everything.quantile_us(0.75) > 1e6


@pytest.mark.truth
@pytest.mark.parametrize("processes", [1, 3])
def test_a_server_frozen_for_the_last_5_of_10_seconds(processes: int, tmp_path: Path) -> None:
    seen = frozen("400/s for 10s", 5.0, tmp_path, grace_s=2, processes=processes)
    p75_s = seen.response().quantile_us(0.75) / 1e6
    print(f"frozen, {processes} generators: {seen.account}, p75 {p75_s:.2f} s")  # noqa: T201
    assert seen.account.scheduled == planned("400/s for 10s", processes)
    check_sums(seen)
    # The latest 25% of uniform arrivals are those of the last 2.5 s; half of all waited 2 to 7 s.
    assert seen.response().quantile_us(0.75) == pytest.approx(4.5e6, rel=0.1)


@pytest.mark.parametrize("processes", [1, 3])
def test_answers_cut_off_in_the_middle_are_failures(processes: int, tmp_path: Path) -> None:
    with calibrated_server("--slots", "20", "--service", "0.01", "--cut-every", "10") as (url, _):
        seen = run_load(url, tmp_path, "200/s for 2s", processes=processes)
    print(f"cut off, {processes} generators: {seen.account}")  # noqa: T201
    assert seen.account.failed == seen.account.scheduled // 10
    check_sums(seen)


def test_a_line_that_grows_too_long_ends_the_run_with_its_reason(tmp_path: Path) -> None:
    with calibrated_server("--slots", "1", "--service", "0.5") as (url, _):
        seen = run_load(url, tmp_path, "200/s for 30s", max_users=20, max_backlog=100, grace_s=1)
    assert "more than 100 arrivals" in next(f["text"] for f in seen.said("event") if f["kind"] == "aborted")
    check_sums(seen)
    assert seen.account.never_started > 80


def test_a_stop_ends_the_load_early_and_in_good_order(tmp_path: Path) -> None:
    def each(at_s: float, load: LoadProcess, seen: Seen) -> None:
        if at_s > 1:
            load.stop()

    with calibrated_server("--slots", "8", "--service", "0.01") as (url, _):
        seen = run_load(url, tmp_path, "100/s for 60s", each=each)
    assert seen.account.finished == seen.account.scheduled < 1000
    check_sums(seen)


def test_a_steered_rate_is_the_rate_that_is_made(tmp_path: Path) -> None:
    told: list[int] = []

    def each(at_s: float, load: LoadProcess, seen: Seen) -> None:
        if not told:
            load.set_rate(300, 1.0)
            told.append(1)
        if at_s > 2.5 and len(told) == 1:
            load.set_rate(0, 3.0)
            told.append(2)
        if at_s > 4:
            load.stop()

    with calibrated_server("--slots", "8", "--service", "0.005") as (url, _):
        seen = run_load(url, tmp_path, "1/s for 1s", each=each, hold=True, arrivals="even")
    # The stop to the old rate is told in time, or at worst an instant late on a busy machine.
    assert seen.account.scheduled == pytest.approx(600, abs=60)
    check_sums(seen)


def test_a_killed_generator_is_named_accounted_for_and_its_rate_carried_on(tmp_path: Path) -> None:
    stages = "300/s for 6s"
    killed: list[int] = []

    def each(at_s: float, load: LoadProcess, seen: Seen) -> None:
        if at_s > 1 and not killed and load.pid is not None:
            killed.append(psutil.Process(load.pid).children()[0].pid)
            os.kill(killed[0], signal.SIGKILL)

    with calibrated_server("--slots", "20", "--service", "0.01") as (url, _):
        seen = run_load(url, tmp_path, stages, processes=3, each=each)
    (lost,) = seen.said("lost")
    assert str(killed[0]) in lost["reason"]
    assert 1 <= lost["second"] <= 3
    print(f"killed worker: {seen.account}; {seen.accounts}")  # noqa: T201
    assert seen.account.missing == 0
    assert set(seen.accounts) == {"g0", "g1", "g2"}
    # The others make the whole rate once they have taken over.
    seconds = range(lost["second"] + 2, 6)
    carried = sum(flow.scheduled for flow in seen.flows if flow.second in seconds)
    assert carried / len(seconds) == pytest.approx(300, rel=0.2)
    assert seen.account.scheduled == pytest.approx(1800, rel=0.1)
    alive = [account for name, account in seen.accounts.items() if name != lost["generator"]]
    assert all(account.finished == account.scheduled for account in alive)


@pytest.mark.parametrize("hold", [False, True])
def test_a_killed_generator_that_was_alone_leaves_its_account(hold: bool, tmp_path: Path) -> None:
    steered: list[float] = []
    killed: list[int] = []

    def each(at_s: float, load: LoadProcess, seen: Seen) -> None:
        if hold and not steered:
            load.set_rate(200, 0.0)
            steered.append(at_s)
        if not killed and sum(flow.finished for flow in seen.flows) > 200 and load.pid is not None:
            killed.append(load.pid)
            os.kill(load.pid, signal.SIGKILL)

    with calibrated_server("--slots", "20", "--service", "0.01") as (url, _):
        seen = run_load(url, tmp_path, "200/s for 60s", each=each, hold=hold, arrivals="even")
        asked = served(url)
    (lost,) = seen.said("lost")
    print(f"killed alone: {seen.account}, {asked} at the server, lost in second {lost['second']}")  # noqa: T201
    assert "SIGKILL" in lost["reason"]
    assert seen.account.missing == 0
    assert 200 < seen.account.finished <= asked <= seen.account.scheduled
    if not hold:
        # Evenly spaced at 200/s, up to the moment within that second at which it was missed.
        assert 200 * lost["second"] <= seen.account.scheduled <= 200 * (lost["second"] + 1)
    (ended,) = seen.said("event")
    assert ended["kind"] == "aborted"


def test_a_killed_master_ends_the_run_with_the_account_as_it_was_last_heard(tmp_path: Path) -> None:
    workers: list[psutil.Process] = []

    def each(at_s: float, load: LoadProcess, seen: Seen) -> None:
        if not workers and sum(flow.finished for flow in seen.flows) > 300 and load.pid is not None:
            workers.extend(psutil.Process(load.pid).children())
            os.kill(load.pid, signal.SIGKILL)

    with calibrated_server("--slots", "20", "--service", "0.01") as (url, _):
        seen = run_load(url, tmp_path, "300/s for 60s", processes=3, each=each, arrivals="even")
        _, alive = psutil.wait_procs(workers, timeout=30)
        asked = served(url)
    assert len(workers) == 3
    assert not alive
    (ended,) = seen.said("event")
    print(f"killed master: {seen.account}, {asked} at the server; {ended['text']}")  # noqa: T201
    assert ended["kind"] == "aborted"
    assert "Locust's master was lost" in ended["text"]
    assert "was ended by SIGKILL; the account is as last heard of 3 generators" in ended["text"]
    assert set(seen.accounts) == {"g0", "g1", "g2"}
    account = seen.account
    assert account.missing == 0
    assert account.finished == sum(flow.finished for flow in seen.flows) <= asked
    # Evenly spaced, each at a third of the rate: what was due by the moment at which it was missed.
    assert account.scheduled == pytest.approx(300 * ended["at_s"], abs=3)


def test_a_master_lost_after_one_of_its_generators_accounts_for_the_shares_as_they_were() -> None:
    heard = Heard(Config("100/s for 10s", arrivals="even", processes=2), time.monotonic() - 6, is_master=True)
    account = {"scheduled": 210, "finished": 190, "failed": 0, "unfinished": 10, "never_started": 10}
    heard.take([{"t": "flow", "generator": "g1", "scheduled": 190, "finished": 190, "failed": 0}])
    heard.take([{"t": "account", "generator": "g0", **account}])
    heard.take([{"t": "shares", "generators": ["g1"], "at_s": 4.0}])
    (own,) = [frame for frame in heard.words_when_lost("gone") if frame["t"] == "account"]
    assert own["generator"] == "g1"
    # 50/s until 4 s, then the whole 100/s until 6 s, and what the machine takes to come here.
    assert own["scheduled"] >= 400
    assert own["finished"] == 190
    assert own["unfinished"] == own["scheduled"] - 190


def test_what_a_second_lost_generator_had_due_counts_from_its_beginning() -> None:
    twin = Twin(Config("100/s for 10s", arrivals="even", processes=2), 0)
    twin.take({"scheduled": 100, "finished": 90, "failed": 5})
    twin.take_share(0, 1, 4.0)
    # 200 of its half until 4 s, then all of 100/s: to 6 s it had 400 due, to 7 s it would have had 500.
    assert twin.account_of_lost(6.0, 7.0) == {
        "scheduled": 500,
        "finished": 90,
        "failed": 5,
        "unfinished": 305,
        "never_started": 100,
    }
