from __future__ import annotations

import itertools
import math
import re
import time
from pathlib import Path

import pytest

from reports.page import run_page, write_report
from reports.render import render
from reports.run_data import RunReport, read_report
from results import Account, Endpoint, Event, Flow, Gap, Histogram, Interval, Run, RunWriter, Sample, open_run
from tests.reports.html_check import check
from tests.reports.sample_run import Shape, write_sample

STARTED = "2026-01-05T08:00:00+00:00"


def page_of(run: Run) -> str:
    return render(run_page(read_report(run)))


@pytest.fixture(scope="module")
def html(sample_report: RunReport) -> str:
    return render(run_page(sample_report))


def test_page_is_well_formed_and_asks_nothing_of_anyone(html: str) -> None:
    assert check(html).problems == []


def test_page_has_landmarks_one_top_heading_and_a_skip_link(html: str) -> None:
    tags = check(html).tags
    assert tags.count("h1") == tags.count("main") == tags.count("nav") == 1
    assert 'class="skip" href="#answer"' in html


def test_headings_never_skip_a_level(html: str) -> None:
    levels = [int(tag[1]) for tag in check(html).tags if tag in ("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_every_chart_has_its_figures_in_a_table(html: str) -> None:
    figures = html.split("<figure")[1:]
    assert len(figures) > 12
    assert all("<tbody>" in figure.split("</figure>")[0] for figure in figures)


def test_every_tier_has_its_panel(html: str) -> None:
    for tier in ("lb", "web", "api", "primary", "replica", "redis", "jobs", "host", "generator"):
        assert f'id="tier-{tier}"' in html


def test_gap_is_told_with_its_reason_and_no_value_is_made_up(html: str) -> None:
    assert "timed out after 900 ms" in html
    assert "nan" not in "".join(check(html).words).lower().split()


def test_missing_tier_is_left_out_and_said_to_be_missing(tmp_path: Path) -> None:
    shape = Shape(stages="50/s for 8s", warmup_s=2, tiers=("lb", "web", "host", "generator"))
    html = page_of(open_run(write_sample(tmp_path, shape)))
    assert 'id="tier-redis"' not in html
    assert "what the cache kept away" in html


def test_names_and_errors_from_outside_are_escaped(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script> $x_1$ \"'&"
    with RunWriter(tmp_path / "run.db", id="e", scenario=evil, target=evil, started_at=STARTED) as writer:
        times = Histogram.from_values_us([900, 1200, 90_000])
        errors = {evil: (1, evil)}
        writer.add_intervals(
            [Interval(s, "g0", Endpoint(evil), times, times, 1, errors=errors) for s in range(6)]
        )
        writer.add_events([Event(1, "fault", evil, evil, evil)])
        writer.add_gaps([Gap("api", evil, 2, 4, evil)])
        writer.add_samples([Sample(s, "api", evil, "cpu_ratio", 0.5) for s in range(6)])
        writer.add_samples([Sample(s, evil, evil, "cpu_ratio", 0.5) for s in range(6)])
    html = page_of(open_run(tmp_path))
    assert "<script>alert" not in html
    assert check(html).problems == []


@pytest.mark.parametrize("seconds", [0, 1, 3])
def test_run_with_hardly_any_data_still_makes_a_page(tmp_path: Path, seconds: int) -> None:
    with RunWriter(tmp_path / "run.db", id="r", scenario="s", target="t", started_at=STARTED) as writer:
        times = Histogram.from_values_us([1000])
        writer.add_intervals([Interval(s, "g0", Endpoint("x"), times, times) for s in range(seconds)])
        writer.add_flows([Flow(s, "g0", 1, 1, 1) for s in range(seconds)])
        writer.set_account("g0", Account(seconds, seconds))
    html = page_of(open_run(tmp_path))
    assert check(html).problems == []
    assert ("Nothing was measured" in html) == (seconds == 0)


def test_run_that_is_all_warm_up_says_that_nothing_was_measured(tmp_path: Path) -> None:
    html = page_of(open_run(write_sample(tmp_path, Shape(stages="30/s for 5s", warmup_s=60))))
    assert "Nothing was measured" in html
    assert check(html).problems == []


def test_samples_that_are_no_numbers_are_left_out(tmp_path: Path) -> None:
    path = write_sample(tmp_path, Shape(stages="30/s for 8s", warmup_s=1, tiers=("host",)))
    with RunWriter(tmp_path / "other" / "run.db", **open_run(path).info) as writer:
        values = [math.nan, math.inf, 0.5, -1.0, math.nan, math.nan]
        writer.add_samples(
            Sample(s, "redis", "redis", "memory_bytes", v) for s, v in enumerate(values) if v == v
        )
        writer.add_samples(
            [Sample(1, "api", "api1", "pool.x.max", 0), Sample(1, "api", "api1", "pool.x.used", 0)]
        )
        writer.add_samples([Sample(1, "lb", "web/web1", "requests", 5, "counter")])
    assert check(page_of(open_run(tmp_path / "other"))).problems == []


def test_ten_minute_run_of_twenty_endpoints_is_small_and_quick(tmp_path: Path) -> None:
    shape = Shape(stages="ramp to 240/s over 300s, 220/s for 300s", endpoints=20)
    run = open_run(write_sample(tmp_path, shape))
    begun = time.process_time()
    page = write_report(run, tmp_path / "report.html")
    assert time.process_time() - begun < 30
    assert page.stat().st_size < 3_000_000


def test_page_replaces_an_older_one_and_leaves_nothing_else(tmp_path: Path, sample_path: Path) -> None:
    target = tmp_path / "page" / "report.html"
    target.parent.mkdir()
    target.write_text("old")
    write_report(open_run(sample_path), target)
    assert target.read_text().startswith("<!doctype html>")
    assert [file.name for file in target.parent.iterdir()] == ["report.html"]


def test_paper_is_never_laid_out_as_a_phone(html: str) -> None:
    # A4 between its margins is narrower than the widest phone layout, and rules of width apply to paper too.
    narrow = [rule for rule in re.findall(r"@media ([^{]+) \{", html) if "max-width" in rule]
    assert narrow
    assert all(rule.startswith("screen and ") for rule in narrow)
