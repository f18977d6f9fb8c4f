"""What the tiers' sections say, against values that the run was made from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from results import Digest, Gap, RunWriter, Sample
from tests.reports.filled_run import STEADY_S, counter, facts, gauge, notes, requests, rows, sections


def test_balance_is_the_share_of_requests_and_what_was_sent_twice(tmp_path: Path) -> None:
    found = sections(
        tmp_path,
        counter("lb", "web/web1", "requests", 30),
        counter("lb", "web/web2", "requests", 10),
        counter("lb", "web/web2", "retries", 1),
        counter("lb", "backend/web", "retries", 1),
        counter("lb", "backend/web", "redispatches", 0),
        counter("lb", "web/web1", "log.requests", 30),
        counter("lb", "web/web1", "log.response_seconds", 30 * 0.012),
        gauge("lb", "web/web1", "response_time_ms", 99),
    )
    balance = rows(found["tier-lb"], "Balance of web")
    assert (balance["web1"]["Share"], balance["web2"]["Share"]) == ("75%", "25%")
    assert balance["web1"]["Requests"] == "30/s"
    assert balance["web1"]["Response, mean"] == "12 ms"
    assert balance["web2"]["Retries"] == str(STEADY_S - 1)
    assert facts(found["tier-lb"])["Retries"] == str(STEADY_S - 1)
    assert "redispatches" in notes(found["tier-lb"])


def test_time_to_route_around_a_dead_instance(tmp_path: Path) -> None:
    up = [1.0] * 20 + [0.0] * 8 + [1.0] * 12
    sent = np.concatenate([np.full(19, 5.0), np.zeros(9), np.full(12, 5.0)]).cumsum()

    def story(writer: RunWriter) -> None:
        writer.add_samples(Sample(s, "lb", "web/web1", "requests", v, "counter") for s, v in enumerate(sent))
        writer.add_gaps([Gap("web", "web1", 16, 28, "refused")])

    found = sections(
        tmp_path, gauge("lb", "web/web1", "up", up), counter("lb", "web/web2", "requests", 5), story
    )
    (row,) = rows(found["tier-lb"], "Routing around servers that were out").values()
    assert row["First sign"] == "0:16"
    assert row["Traffic moved after"] == "3 s"
    assert row["Back"] == "0:28"


def test_page_is_split_into_rendering_and_what_is_below(tmp_path: Path) -> None:
    page = requests("/todos", 4, 20, "page", total=16, api=10, render=3, db=6, cache=1)
    row = rows(
        sections(tmp_path, page, gauge("web", "web1", "cpu_ratio", 0.1))["tier-web"],
        "Rendering and the time below it",
    )["/todos"]
    # Buckets of the service time are 0.4% wide at most.
    assert (row["Render"], row["Below"], row["Own work"]) == ("3 ms", "10 ms", "3 ms")
    assert float(row["Outside"].split()[0]) == pytest.approx(4, abs=0.1)


def test_procedure_has_the_shares_of_pool_database_and_cache(tmp_path: Path) -> None:
    call = requests("todo.list", 4, 20, total=18, pool=2, db=8, cache=1)
    row = rows(
        sections(tmp_path, call, gauge("api", "api1", "cpu_ratio", 0.1))["tier-api"],
        "Where each procedure's time went",
    )["todo.list"]
    assert (row["Pool wait"], row["Database"], row["Cache"], row["Own work"]) == (
        "2 ms",
        "8 ms",
        "1 ms",
        "7 ms",
    )
    assert row["Rate"] == "4/s"


def test_pool_has_its_saturation_and_the_histogram_of_its_waits(tmp_path: Path) -> None:
    pool = "pool.replica"
    found = sections(
        tmp_path,
        gauge("api", "api1", f"{pool}.max", 10),
        gauge("api", "api1", f"{pool}.used", [5.0] * 26 + [10.0] * 15),
        gauge("api", "api1", f"{pool}.pending", [0.0] * 26 + [7.0] * 15),
        counter("api", "api1", f"{pool}.wait_count", 100),
        counter("api", "api1", f"{pool}.wait_seconds", 0.6),
        counter("api", "api1", f"{pool}.timeouts", 2),
        counter("api", "api1", f"{pool}.wait_bucket.0.005", 50),
        counter("api", "api1", f"{pool}.wait_bucket.0.01", 90),
        counter("api", "api1", f"{pool}.wait_bucket.inf", 100),
    )["tier-api"]
    row = rows(found, "Connection pools")["replica"]
    assert row["In use, mean"] == "75%"
    assert (row["In use, highest"], row["Waiting, highest"], row["Wait, mean"]) == ("100%", "7", "6 ms")
    assert (row["Wait, p50"], row["Wait, p99"]) == ("5 ms", "10 ms")
    assert row["Timeouts"] == str(2 * (STEADY_S - 1))
    waits = rows(found, "Waits for pool replica")
    assert [waits[name]["Share"] for name in ("up to 5 ms", "up to 10 ms", "longer")] == ["50%", "40%", "10%"]


def test_primary_has_locks_commits_and_what_each_row_cost(tmp_path: Path) -> None:
    def digest(writer: RunWriter) -> None:
        text = "SELECT `id` , `title` FROM `todo` WHERE MATCH ( `title` ) AGAINST ( ? )"
        writer.add_digests(
            [Digest("primary", "primary", text, 200, 8e6, rows_sent=100, rows_examined=41_200)]
        )

    found = sections(
        tmp_path,
        counter("primary", "primary", "commits", 12),
        counter("primary", "primary", "row_lock_waits", 2),
        counter("primary", "primary", "row_lock_time_ms", 30),
        counter("primary", "primary", "deadlocks", 1),
        gauge("primary", "primary", "threads_running", 4),
        digest,
    )["tier-primary"]
    told = facts(found)
    assert (told["Commits"], told["Row lock waits"], told["Row lock wait, mean"]) == ("12/s", "58", "15 ms")
    assert (told["Deadlocks"], told["Running threads, mean"]) == ("29", "4")
    row = rows(found, "Statements by total time")[
        "SELECT id, title FROM todo WHERE MATCH (title) AGAINST (?)"
    ]
    assert (row["Examined per row sent"], row["Mean"], row["Total time"]) == ("412", "40 ms", "8 s")


def test_replica_has_its_threads_and_the_stale_reads_of_the_scenario(tmp_path: Path) -> None:
    found = sections(
        tmp_path,
        gauge("replica", "replica", "io_running", 1),
        gauge("replica", "replica", "sql_running", [1.0] * 26 + [0.0] * 15),
        gauge("replica", "replica", "lag_ms", 30),
        requests("own write seen", 2, 25, "staleness"),
        requests("stale read", 3, 8, "staleness"),
    )["tier-replica"]
    told = facts(found)
    assert (told["Applying"], told["Receiving"], told["Lag, mean"]) == ("50%", "100%", "30 ms")
    assert told["Stale reads"] == str(3 * STEADY_S)


def test_redis_has_latency_key_classes_and_what_a_miss_cost_the_origin(tmp_path: Path) -> None:
    found = sections(
        tmp_path,
        counter("redis", "redis", "hits", 30),
        counter("redis", "redis", "misses", 10),
        counter("redis", "redis", "command.get.calls", 40),
        counter("redis", "redis", "command.get.usec", 400),
        counter("redis", "redis", "expired", 3),
        counter("redis", "redis", "evictions", 0),
        requests("GET [hot]", 10, 1, "redis"),
        requests("GET [rare]", 4, 1, "redis"),
        requests("origin [rare]", 3, 20, "origin"),
    )["tier-redis"]
    assert (facts(found)["Hits"], facts(found)["Mean of a command"]) == ("75%", "10 µs")
    assert facts(found)["Expired"] == str(3 * (STEADY_S - 1))
    assert "evictions" in notes(found)
    classes = rows(found, "Hits by class of key")
    assert (classes["hot"]["Hits"], classes["rare"]["Hits"]) == ("100%", "25%")
    assert classes["rare"]["Origin calls"] == str(3 * STEADY_S)


def test_cluster_has_a_row_for_each_node(tmp_path: Path) -> None:
    fills = []
    for number, slots in enumerate((5461, 5462, 5461), 1):
        node = f"redis{number}"
        fills += [counter("redis", node, "ops", 10 * number), gauge("redis", node, "slots", slots)]
        fills.append(counter("redis", node, "redirects", 1 if number == 2 else 0))
    found = sections(tmp_path, *fills)["tier-redis"]
    nodes = rows(found, "By node")
    assert [nodes[name]["Commands"] for name in nodes] == ["10/s", "20/s", "30/s"]
    assert [nodes[name]["Slots"] for name in nodes] == ["5,461", "5,462", "5,461"]
    assert nodes["redis2"]["Redirects"] == str(STEADY_S - 1)
    assert facts(found)["Commands"] == "60/s"


def test_jobs_have_times_to_start_and_to_finish(tmp_path: Path) -> None:
    found = sections(
        tmp_path,
        counter("jobs", "jobs1", "jobs.done", 5),
        counter("jobs", "jobs1", "jobs.start_count", 5),
        counter("jobs", "jobs1", "jobs.start_seconds", 0.05),
        counter("jobs", "jobs1", "jobs.finish_seconds", 0.2),
        counter("jobs", "jobs1", "jobs.retried", 0),
        counter("jobs", "jobs1", "jobs.dead", 1),
        gauge("jobs", "jobs1", "jobs.queued", [0.0] * 30 + [9.0] * 10),
    )["tier-jobs"]
    told = facts(found)
    assert (told["Mean time to start"], told["Mean time to finish"]) == ("10 ms", "40 ms")
    assert (told["Queue, highest"], told["Dead"]) == ("9", str(STEADY_S - 1))
    assert "retried" in notes(found)


def test_what_watching_cost_is_told_by_the_tier_that_was_asked(tmp_path: Path) -> None:
    found = sections(
        tmp_path,
        counter("probes", "redis", "calls", 2),
        counter("probes", "redis", "cpu_seconds", 0.004),
        gauge("probes", "redis", "sample_ms", 3),
        counter("probes", "primary", "calls", 5),
        counter("probes", "primary", "cpu_seconds", 0.006),
        gauge("probes", "primary", "sample_ms", 8),
    )["tier-probes"]
    told = facts(found)
    assert (told["CPU of all probes"], told["Calls to the tiers"]) == ("1%", "7/s")
    assert told["Slowest tier to answer"] == "8 ms"
    assert rows(found, "By tier that was asked")["redis"]["Median"] == "3 ms"
