import html
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from probes.haproxy import HaproxyProbe
from results import Run, open_run
from stack.control import running_stacks
from tests.e2e.conftest import ROOT, Harness

pytestmark = pytest.mark.stack


def requests_by_haproxy(stack: str) -> float:
    """HAProxy's own count of requests at its public door."""
    socket = json.loads(running_stacks()[stack].read_text())["lb"]["stats_socket"]
    readings = HaproxyProbe(socket).sample()
    return next(r.value for r in readings if (r.instance, r.metric) == ("frontend/public", "requests"))


def only_run(folder: Path) -> Run:
    (file,) = folder.glob("*/run.db")
    return open_run(file)


@pytest.mark.parametrize("scenario", ["web/trpc", "web/browse"])
def test_the_harness_and_haproxy_count_the_same_requests(
    stack: str, harness: Harness, tmp_path: Path, scenario: str
) -> None:
    before = requests_by_haproxy(stack)
    done = harness(
        *("run", scenario, "--target", stack, "--rate", "20/s", "--for", "6s", "--warmup", "1s"),
        *("--slo", "errors<1%", "--runs", str(tmp_path)),
    )
    assert done.returncode in (0, 4), done.stdout + done.stderr  # 4: a busy machine, and it says so
    run = only_run(tmp_path)
    # The three procedures of the dashboard's batch are counted one by one, and travel in one request.
    batched = 2 * run.merged("team.dashboard").count
    assert run.merged(setup=True).count - batched == requests_by_haproxy(stack) - before
    assert run.account.missing == 0
    assert run.account.finished > 60


def test_every_tier_is_on_the_page_and_nothing_secret_is(
    stack: str, harness: Harness, tmp_path: Path
) -> None:
    done = harness(
        "run", "web/trpc", "--target", stack, "--rate", "20/s", "--for", "6s", "--runs", str(tmp_path)
    )
    assert done.returncode in (0, 4), done.stdout + done.stderr
    run = only_run(tmp_path)
    tiers = {series.tier for series in run.series()}
    assert {"lb", "web", "api", "primary", "replica", "redis", "jobs", "host", "generator"} <= tiers
    assert not run.gaps
    page = html.unescape((run.path.parent / "report.html").read_text())
    for word in ("todo.list", "replica", "HAProxy", "Redis"):
        assert re.search(word, page, re.IGNORECASE)
    assert not re.search(r'(?:src|href)="https?://', page)
    target = json.loads(running_stacks()[stack].read_text())
    secrets = {target["redis"]["password"], target["primary"]["password"], target["load"]["password"]}
    for file in run.path.parent.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert not [secret for secret in secrets if secret.encode() in content], file


@pytest.mark.parametrize("scenario", ["db/point_reads", "cache/query_cache"])
def test_servers_are_loaded_directly_too(stack: str, harness: Harness, tmp_path: Path, scenario: str) -> None:
    done = harness(
        *("run", scenario, "--target", stack, "--users", "3", "--for", "4s"),
        *("--slo", "errors<0.1%", "--runs", str(tmp_path)),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert only_run(tmp_path).merged().count > 30


def test_a_missed_objective_exits_3(stack: str, harness: Harness, tmp_path: Path) -> None:
    done = harness(
        *("run", "web/trpc", "--target", stack, "--rate", "30/s", "--for", "6s"),
        *("--slo", "p50<10us", "--runs", str(tmp_path)),
    )
    assert done.returncode == 3, done.stdout + done.stderr


def test_an_interrupted_run_keeps_what_was_measured(stack: str, tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "harness.py"), "run", "web/trpc", "--target", stack]
    command += ["--rate", "20/s", "--for", "60s", "--runs", str(tmp_path)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not any(open_run(f).flows for f in tmp_path.glob("*/run.db")):
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in said
    run = only_run(tmp_path)
    assert run.state == "interrupted"
    assert run.merged().count > 0
    assert run.account.missing == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["run", "web/nothing"], 2, "no scenario 'web/nothing'"),
        (["run", "web/trpc", "--target", "nowhere"], 2, "unknown target 'nowhere'"),
        (["run", "web/trpc", "--target", "e2e", "--rate", "fast"], 2, "'fast' is not a rate"),
        (["run", "web/trpc", "--target", "e2e", "--stages", "fast"], 2, "'fast' is not a stage"),
        (["run", "web/trpc", "--target", "e2e", "--slo", "fast"], 2, "'fast' is not an SLO"),
        (["up", "--name", "e2e-other", "--set", "api.pol_size=3"], 2, "did you mean api.pool_size"),
        (["up", "--name", "No Name"], 2, "is no name for a stack"),
        (["report", "no-such-run"], 1, "harness runs"),
        (["frobnicate"], 2, "frobnicate"),
        (["logs", "no-such-process", "--name", "e2e"], 2, "no process 'no-such-process'"),
    ],
)
def test_bad_input_is_one_line_and_the_right_code(
    stack: str, harness: Harness, words: list[str], code: int, said: str
) -> None:
    done = harness(*words)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_a_target_that_does_not_answer_ends_in_one_line(harness: Harness, tmp_path: Path) -> None:
    file = tmp_path / "away.toml"
    file.write_text('allow_load = true\nbase_url = "http://127.0.0.1:9"\n')
    done = harness(
        "run", "web/trpc", "--target", str(file), "--rate", "5/s", "--for", "3s", "--runs", str(tmp_path)
    )
    assert done.returncode == 4, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_capacity_search_stores_its_levels_and_keeps_its_budget(
    stack: str, harness: Harness, tmp_path: Path
) -> None:
    done = harness(
        *("capacity", "web/trpc", "--target", stack, "--start", "20/s", "--budget", "54s"),
        *("--max-rate", "40/s", "--slo", "p99<2s", "--runs", str(tmp_path)),
    )
    assert done.returncode in (0, 4), done.stdout + done.stderr
    run = only_run(tmp_path)
    assert [level.data["rate_per_s"] for level in run.levels][:2] == [20, 40]
    assert run.account.missing == 0
    assert run.duration_s <= 54 + 10 + 5  # the budget, the grace for what is under way, and its end
    assert run.info["capacity"]["levels"]
