"""Sections about the whole run, against values that it was made from."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.parts import Meters, Note, Switch, Table
from results import Account, Endpoint, Event, Histogram, Interval, LogGroup, RunWriter
from tests.reports.filled_run import STEADY_S, counter, facts, requests, rows, sections


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


def test_failed_sign_ins_are_no_failures_of_the_steady_part(tmp_path: Path) -> None:
    def failing(writer: RunWriter) -> None:
        times = Histogram.from_values_us([5000.0] * 10)
        errors = {"HTTP 500": (3, "500")}
        for endpoint in (Endpoint("sign in", "page", True), Endpoint("todo.list", "trpc")):
            writer.add_intervals([Interval(20, "g0", endpoint, times, times.copy(), 3, errors=errors)])

    found = sections(tmp_path, failing)["errors"]
    told = f"3 failures of {STEADY_S + 10} requests in the steady part, and 3 failures outside arrivals."
    assert found.lead == told
    (table,) = [block for block in found.blocks if isinstance(block, Table)]
    names = {(row[0].words, row[0].small) for row in table.rows}
    assert names == {("sign in", "outside arrivals"), ("todo.list", "")}


def test_an_arrival_that_is_missing_is_never_rounded_away(tmp_path: Path) -> None:
    def one_of_many(writer: RunWriter) -> None:
        writer.set_account("g0", Account(1_000_000, 999_999))

    assert facts(sections(tmp_path / "missing", one_of_many)["account"])["Accounted for"] == "99.99%"
    assert facts(sections(tmp_path / "all")["account"])["Accounted for"] == "100%"


def test_a_table_that_leaves_out_rows_says_so(tmp_path: Path) -> None:
    def many(writer: RunWriter) -> None:
        writer.add_logs(LogGroup("api", "api1", "ERROR", f"kind {n}", 1, 1.0, f"kind {n}") for n in range(31))
        writer.add_events(Event(n / 10, "stage", f"stage {n}") for n in range(201))

    found = sections(tmp_path, many)
    assert found["logs"].lead.endswith("The most frequent 30 of 31 are shown.")
    assert found["events"].lead.endswith("The first 200 of 201 are shown.")


def test_a_level_that_is_held_twice_is_told_apart_by_its_time(tmp_path: Path) -> None:
    stages = "1/s for 15s, 2/s for 10s, 1/s for 15s"
    (switch, *_) = sections(tmp_path, stages=stages)["endpoints"].blocks
    assert isinstance(switch, Switch)
    names = [name for name, _ in switch.choices]
    assert names == ["Steady part", "1/s, 10 to 15 s", "2/s", "1/s, 25 to 40 s"]
