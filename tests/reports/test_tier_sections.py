"""What the tiers' sections say, against values that the run was made from."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from reports.page import run_page
from reports.parts import Block, Facts, Grid, Meters, More, Note, Section, Table
from reports.render import render
from reports.run_data import read_report
from results import (
    Account,
    Digest,
    Endpoint,
    Event,
    Flow,
    Gap,
    Histogram,
    Interval,
    Part,
    RunWriter,
    Sample,
    open_run,
)
from tests.reports.html_check import check

SECONDS, WARMUP_S = 40, 10
STEADY_S = SECONDS - WARMUP_S
Fill = Callable[[RunWriter], None]


def sections(folder: Path, *fills: Fill, slos: str = "", **info: object) -> dict[str, Section]:
    """The page's sections by id, of a run with a request a second and whatever is filled in."""
    facts = {
        "id": "r",
        "scenario": "s",
        "target": "t",
        "started_at": "2026-01-05T08:00:00+00:00",
        "slos": slos,
    }
    with RunWriter(folder / "run.db", **facts, warmup_s=WARMUP_S, duration_s=SECONDS, **info) as writer:
        writer.add_flows([Flow(second, "g0", 1, 1, 1) for second in range(SECONDS)])
        writer.set_account("g0", Account(SECONDS, SECONDS))
        requests("x", 1, 5.0)(writer)
        for fill in fills:
            fill(writer)
    page = run_page(read_report(open_run(folder)))
    assert check(render(page)).problems == []
    return {section.id: section for section in page.sections}


def requests(
    name: str, per_s: int, mean_ms: float, kind: str = "trpc", received: int = 0, **parts_ms: float
) -> Fill:
    """So many requests each second, all of one length, with what Server-Timing told of each."""

    def fill(writer: RunWriter) -> None:
        times = Histogram.from_values_us([mean_ms * 1e3] * per_s)
        parts = {part: Part(per_s, ms * 1e3 * per_s, ms * 1e3) for part, ms in parts_ms.items()}
        writer.add_intervals(
            Interval(
                second, "g0", Endpoint(name, kind), times, times.copy(), 0, received * per_s, parts=parts
            )
            for second in range(SECONDS)
        )

    return fill


def gauge(tier: str, instance: str, metric: str, value: float | list[float]) -> Fill:
    values = value if isinstance(value, list) else [value] * SECONDS
    return lambda writer: writer.add_samples(
        Sample(s, tier, instance, metric, v) for s, v in enumerate(values)
    )


def counter(tier: str, instance: str, metric: str, per_s: float) -> Fill:
    return lambda writer: writer.add_samples(
        Sample(s, tier, instance, metric, 1000 + per_s * s, "counter") for s in range(SECONDS)
    )


def flat(blocks: list[Block]) -> list[Block]:
    found: list[Block] = []
    for block in blocks:
        found += [block, *flat(block.blocks)] if isinstance(block, Grid | More) else [block]
    return found


def rows(section: Section, caption: str) -> dict[str, dict[str, str]]:
    """A table's words by its rows' names and its columns' titles."""
    (table,) = [one for one in flat(section.blocks) if isinstance(one, Table) and one.caption == caption]
    titles = [column.title for column in table.columns]
    return {
        row[0].words: dict(zip(titles, (cell.words for cell in row), strict=True))
        for row in [*table.rows, *table.foot]
    }


def facts(section: Section) -> dict[str, str]:
    return {
        fact.name: fact.value
        for block in flat(section.blocks)
        if isinstance(block, Facts)
        for fact in block.facts
    }


def notes(section: Section) -> str:
    return " ".join(block.words for block in flat(section.blocks) if isinstance(block, Note))


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


def test_files_have_their_throughput_by_size(tmp_path: Path) -> None:
    found = sections(
        tmp_path,
        requests("GET /files/[id] [256 KiB]", 2, 20, "file", received=262_144),
        requests("POST /files [4 MiB]", 1, 60, "file", received=290),
    )["files"]
    (table,) = [block for block in found.blocks if isinstance(block, Table)]
    told = {(row[0].words, row[1].words): row[3].words for row in table.rows}
    assert told == {("GET /files/[id]", "256 KiB"): "512 KiB/s", ("POST /files", "4 MiB"): "4 MiB/s"}


def test_teams_are_told_apart_by_size(tmp_path: Path) -> None:
    found = sections(
        tmp_path, requests("todo.list [small team]", 2, 4), requests("todo.list [large team]", 2, 40)
    )["teams"]
    row = rows(found, "Response time by team size")["todo.list"]
    assert float(row["Small team, p50"].split()[0]) == pytest.approx(4, rel=0.004)
    assert float(row["Large team, p50"].split()[0]) == pytest.approx(40, rel=0.004)


def test_caches_are_one_picture_from_the_browser_to_the_disk(tmp_path: Path) -> None:
    found = sections(
        tmp_path,
        counter("generator", "g0", "browser_cache.hits", 60),
        counter("generator", "g0", "browser_cache.misses", 40),
        counter("generator", "g0", "browser_cache.revalidated", 10),
        counter("generator", "g0", "browser_cache.bytes_saved", 1024),
        counter("lb", "frontend/public", "cache_lookups", 40),
        counter("lb", "frontend/public", "cache_hits", 30),
        counter("api", "api1", "cache.query.hits", 9),
        counter("api", "api1", "cache.query.misses", 1),
        counter("primary", "primary", "buffer_pool_read_requests", 10_000),
        counter("primary", "primary", "buffer_pool_reads", 1),
        requests("/logo.svg", 1, 2, "asset", received=2048),
    )["caches"]
    (meters,) = [block for block in found.blocks if isinstance(block, Meters)]
    told = {meter.name.split(":")[0]: (meter.value, meter.small) for meter in meters.meters}
    steps = STEADY_S - 1
    assert [value for value, _ in told.values()] == ["60% hit", "75% hit", "90% hit", "99.99% hit"]
    assert f"{40 * steps:,} of {100 * steps:,} got through" in told["browser"][1]
    assert f"{steps} KiB saved" in told["browser"][1]
    assert f"{30 * steps * 2 / 1024:.3g} MiB saved" in told["edge"][1]


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


RULES = """
groups:
- name: g
  rules:
  - alert: QueueLong
    expr: jobs_queued > 5
    for: 3s
    labels: {severity: ticket}
    annotations: {summary: "{{ $value }} jobs wait at {{ $labels.instance }}"}
  - alert: NeverMet
    expr: jobs_queued > 100
  - alert: Deaf
    expr: node_load1 > 3
"""


def test_alerts_that_would_have_fired_are_told_with_their_time(tmp_path: Path) -> None:
    queued = gauge("jobs", "jobs1", "jobs.queued", [0.0] * 20 + [8.0] * 10 + [0.0] * 10)
    kept = {"source": "rules.yml", "text": RULES}
    found = sections(tmp_path, queued, alerts=kept)["alerts"]
    assert "1 of the 3 rules in rules.yml" in found.lead
    row = rows(found, "Alerts")["QueueLong"]
    assert (row["State"], row["When"], row["For"]) == ("fired", "0:23 to 0:30", "jobs1")
    assert row["What it says"] == "8 jobs wait at jobs1"
    words = render_text(found)
    assert "Deaf: the run has no series node_load1" in words
    assert "quiet: NeverMet" in words.lower().replace("nevermet", "NeverMet")


def test_missed_objective_that_no_rule_saw_is_said_in_red(tmp_path: Path) -> None:
    def failing(writer: RunWriter) -> None:
        times = Histogram.from_values_us([5000.0] * 50)
        errors = {"HTTP 500": (5, "500")}
        writer.add_intervals(
            Interval(s, "g0", Endpoint("bad"), times, times.copy(), 5, errors=errors) for s in range(20, 30)
        )

    kept = {"source": "rules.yml", "text": RULES}
    found = sections(tmp_path, failing, slos="errors<1%", alerts=kept)["alerts"]
    (note,) = [block for block in found.blocks if isinstance(block, Note) and block.tone == "bad"]
    assert re.match(r"errors < 1% was missed \(0:20 to 0:\d\d\), and no rule saw it.", note.words)


def test_run_without_rules_has_no_section_of_alerts(tmp_path: Path) -> None:
    assert "alerts" not in sections(tmp_path)


def render_text(section: Section) -> str:
    notes_of = [block for block in flat(section.blocks) if isinstance(block, Note)]
    return " ".join(" ".join([note.words, *note.items]) for note in notes_of)


def test_sections_without_data_are_left_out(tmp_path: Path) -> None:
    found = sections(tmp_path)
    assert not {"files", "teams", "caches", "alerts", "tier-redis"} & set(found)
    (blind,) = found["blind"].blocks
    assert isinstance(blind, Note)
    assert any("what the cache kept away" in item for item in blind.items)


def test_fault_of_the_run_is_marked_on_the_charts(tmp_path: Path) -> None:
    def fault(writer: RunWriter) -> None:
        data = {"name": "web-instance-down", "from_s": 20.0, "to_s": 26.0}
        writer.add_events([Event(20, "fault", "web-instance-down begins", data=data)])

    found = sections(tmp_path, fault)
    heat = next(block for block in found["time"].blocks if hasattr(block, "svg"))
    assert "web-instance-down begins" in heat.svg
