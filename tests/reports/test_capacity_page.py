from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from analysis.alerts.report import AlertsReport
from analysis.bottleneck import Bottleneck, Diagnosis, Evidence
from analysis.capacity import Capacity, LevelPoint, Review, SloLimit, review
from analysis.connections import Connections, PoolSize
from analysis.forecast import stated
from analysis.headroom import System, headroom
from reports.as_json import capacity_json
from reports.capacity_page import capacity_page, write_capacity_report
from reports.index import index_page
from reports.page import write_report
from reports.parts import Chart
from reports.render import render
from reports.run_data import RunReport, read_report
from reports.sections.comparison import overlaid_curves
from reports.stored import stored_capacity
from reports.terminal import capacity_lines
from results import HarnessError, open_run
from results.catalogue import read_entry
from results.listing import listing
from tests.reports.html_check import check
from tests.reports.sample_run import Shape, write_sample

RATES = (40, 80, 120, 160, 200, 240)
LIMIT = 160


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> RunReport:
    stages = ", ".join(f"{rate}/s for 6s" for rate in RATES)
    shape = Shape(stages=stages, slos="p99 < 250ms", warmup_s=1, limit_per_s=LIMIT, web1_down=False)
    return read_report(open_run(write_sample(tmp_path_factory.mktemp("runs"), shape)))


def found_in(report: RunReport, *, found: bool = True) -> Capacity:
    levels = tuple(
        LevelPoint(
            number, "narrow", level.rate_per_s, level.achieved_per_s, 6, 1,
            "pass" if level.passed else "fail", bool(level.passed), True, False, (0.4,), (),
        )
        for number, level in enumerate(report.levels)
    )  # fmt: skip
    slo = report.run.slos[0]
    if not found:
        why = "it never failed up to the highest rate allowed"
        return Capacity(
            False,
            why,
            "max rate",
            None,
            None,
            None,
            None,
            (),
            levels[3],
            None,
            0,
            True,
            160,
            False,
            60,
            levels,
        )
    limits = (SloLimit(slo, 171.0, 165.0, 180.0),)
    return Capacity(
        True, "", "precise", 171.0, 165.0, 180.0, slo, limits, levels[3], levels[4], 0, True, 238.0, True, 60,
        levels,
    )  # fmt: skip


def reviewed(report: RunReport) -> Review:
    """What the sample's search found, with a bottleneck, a forecast and connections that are chosen."""
    pool = PoolSize("primary", "api", "primary", 16, 10)
    servers = (Connections("primary", (pool,), 151),)
    ahead = headroom(
        171, stated(120, 0.04), System((("web", 2),), servers, ((pool, 0.02),)), today=date(2026, 11, 24)
    )
    evidence = (Evidence("10 of 10 in use", "api", "api1", "pool.replica.used"),)
    first = Bottleneck(
        "pool", "api", "the API's replica pool", "pool replica", 0.9, evidence, "try a pool of 20",
        share_of_added=0.84,
    )  # fmt: skip
    told = review(report.run, found_in(report))
    diagnosis = Diagnosis("found", (first,), (), "200/s")
    return replace(told, diagnosis=diagnosis, headroom=ahead, connections=servers, doubts=())


def test_page_says_how_much_what_gives_way_and_until_when(report: RunReport, tmp_path: Path) -> None:
    page = write_capacity_report(report.run, reviewed(report), tmp_path / "c.html")
    html = page.read_text()
    assert check(html).problems == []
    for words in (
        "Then the API&#39;s replica pool gives way",
        "10 of 10 in use",
        "Try a pool of 20",
        "not tested",
        "171/s",
        "until August 2027",
        "the pools may open 160 connections",
        "What a change would do",
        "What the predictions assume",
    ):
        assert words in html
    for section in ("load", "bottleneck", "parts", "scaling", "headroom", "limits", "levels"):
        assert f'id="{section}"' in html


def test_connections_that_cannot_be_checked_are_said_on_the_page_and_in_the_terminal(
    report: RunReport,
) -> None:
    pool = PoolSize("primary", "api", "primary", 2, 10)
    unknown = (Connections("primary", (pool,), None), Connections("replica", (), 151))
    told = replace(reviewed(report), connections=unknown, headroom=None)
    html, lines = render(capacity_page(report, told)), capacity_lines(told)
    assert check(html).problems == []
    assert "The connections add up" not in html
    for said in ("not checked, max_connections is unknown", "the sizes of its clients"):
        assert said in html
        assert any(line.startswith("warning: ") and said in line for line in lines)


def test_sections_stand_in_the_order_of_a_review(report: RunReport) -> None:
    wanted = ["load", "bottleneck", "parts", "scaling", "headroom", "limits", "levels"]
    shown = [section.id for section in capacity_page(report, reviewed(report)).sections]
    assert [name for name in shown if name in wanted] == wanted


def test_alert_rules_that_the_search_was_given_have_a_section(report: RunReport) -> None:
    def shown(one: RunReport) -> list[str]:
        return [section.id for section in capacity_page(one, reviewed(one)).sections]

    assert "alerts" not in shown(report)
    assert "alerts" in shown(
        replace(report, alerts=AlertsReport("rules.yml", [], [], "rules.yml is no YAML"))
    )


def test_every_claim_links_to_its_evidence(report: RunReport) -> None:
    page = capacity_page(report, reviewed(report))
    ids = {section.id for section in page.sections}
    links = [fact.href for fact in page.facts]
    links += [
        href
        for section in page.sections
        for block in section.blocks
        if block.kind == "ranked"
        for href in block.hrefs  # type: ignore[union-attr]
    ]
    assert page.evidence == "bottleneck"
    assert links
    assert {link.removeprefix("#") for link in links} <= ids


def test_the_terminal_says_the_answer_first(report: RunReport) -> None:
    lines = capacity_lines(reviewed(report))
    assert lines[0] == "171/s within p99 < 250 ms; then the API's replica pool (10 of 10 in use)"
    assert lines[1].startswith("90% interval 165/s to 180/s; last pass 160/s, first fail 200/s")
    assert any(line.startswith("warning: primary: the pools may open 160") for line in lines)


def test_json_holds_no_nan(report: RunReport) -> None:
    assert "NaN" not in capacity_json(report.run, reviewed(report))


def test_saturation_grows_with_the_level(report: RunReport) -> None:
    (chart,) = (
        block
        for section in capacity_page(report, review(report.run, found_in(report))).sections
        if section.id == "bottleneck"
        for block in section.blocks
        if block.kind == "chart"
    )
    rows = {row[0]: row[1:] for row in chart.figures.rows}  # type: ignore[union-attr]
    pool = [float(value.removesuffix("%")) for value in rows["API replica pool"]]
    assert pool == sorted(pool)
    assert pool[-1] > 80


def test_bound_that_was_not_found_is_said(report: RunReport) -> None:
    html = render(capacity_page(report, review(report.run, found_in(report, found=False))))
    assert check(html).problems == []
    assert "at least 160/s" in html
    assert "bound not found: it never failed up to the highest rate allowed" in html


def test_search_without_a_single_level_makes_a_page(tmp_path: Path) -> None:
    shape = Shape(stages="ramp to 20/s over 4s", warmup_s=1, limit_per_s=1, tiers=())
    report = read_report(open_run(write_sample(tmp_path, shape)))
    nothing = Capacity(
        False, "no level was evidence", "precise", None, None, None, None, (), None, None, 0, False, None,
        False, 4, (),
    )  # fmt: skip
    assert check(render(capacity_page(report, review(report.run, nothing)))).problems == []


def test_stored_search_can_be_drawn_again(report: RunReport, tmp_path: Path) -> None:
    found, info = found_in(report), report.run.info
    try:
        info["capacity"] = found.to_dict()
        assert stored_capacity(report.run) == found
        assert "The system carries" in write_report(report.run, tmp_path / "again.html").read_text()
        info["capacity"] = {}
        with pytest.raises(HarnessError, match="run the search again"):
            stored_capacity(report.run)
    finally:
        del info["capacity"]
    assert stored_capacity(report.run) is None


def test_a_search_beside_another_is_drawn_by_rate_and_not_in_the_order_of_its_levels(tmp_path: Path) -> None:
    tried = (40, 200, 80, 160, 120)
    stages = ", ".join(f"{rate}/s for 10s" for rate in tried)
    shape = Shape(stages=stages, slos="p99 < 250ms", warmup_s=1, limit_per_s=LIMIT, web1_down=False)
    search = read_report(open_run(write_sample(tmp_path, shape)))
    search.run.info["capacity"] = found_in(search).to_dict()
    section = overlaid_curves([search, search], ["baseline", "candidate"])
    assert section is not None
    (chart,) = section.blocks
    assert isinstance(chart, Chart)
    assert chart.figures is not None
    for drawn in (chart.figures.at[:5], chart.figures.at[5:]):
        assert drawn == pytest.approx(sorted(tried), rel=0.15)


def test_the_index_gives_a_search_its_rate_within_the_objectives(report: RunReport, tmp_path: Path) -> None:
    entries = []
    for name, found in (("20260101-found", True), ("20260102-beyond", False)):
        capacity = {"capacity": found_in(report, found=found).to_dict()}
        shape = Shape(stages="40/s for 5s", warmup_s=1, limit_per_s=LIMIT, tiers=(), info=capacity)
        entries.append(read_entry(write_sample(tmp_path, shape, name)))
    assert [entry.figures for entry in entries] == [{"rate": 171.0}, {}]
    assert "171/s" in render(index_page(entries, tmp_path))
    assert "171/s" in "\n".join(listing(entries))
