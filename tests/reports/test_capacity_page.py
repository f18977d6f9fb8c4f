from __future__ import annotations

import json
from pathlib import Path

import pytest

from analysis.bottleneck import Bottleneck, Diagnosis, Evidence
from analysis.capacity import Capacity, LevelPoint, SloLimit
from analysis.headroom import Connections, PoolUse, headroom, stated
from reports.capacity_page import capacity_page, write_capacity_report
from reports.page import write_report
from reports.render import render
from reports.run_data import RunReport, read_report
from reports.stored import stored_capacity
from results import HarnessError, open_run
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
            False, why, None, None, None, None, (), levels[3], None, 0, True, 160, False, 60, levels
        )
    limits = (SloLimit(slo, 171.0, 165.0, 180.0),)
    return Capacity(
        True, "", 171.0, 165.0, 180.0, slo, limits, levels[3], levels[4], 0, True, 238.0, True, 60, levels
    )  # fmt: skip


def test_page_says_how_much_what_gives_way_and_until_when(report: RunReport, tmp_path: Path) -> None:
    pools = (PoolUse("primary", "primary", 4, 4, 10),)
    needs = headroom(171, stated(120, 0.04), [("web", 2)], [Connections("primary", pools, 151)])
    evidence = (Evidence("10 of 10 in use", "api", "api1", "pool.replica.used"),)
    pool = Bottleneck(
        "pool", "api", "the API's replica pool", "pool replica", 0.9, evidence, "try a pool of 20",
        share_of_added=0.84,
    )  # fmt: skip
    page = write_capacity_report(
        report.run, found_in(report), tmp_path / "c.html",
        diagnosis=Diagnosis("found", (pool,), (), "200/s"), headroom=needs,
    )  # fmt: skip
    html = page.read_text()
    assert check(html).problems == []
    for words in (
        "Then the API&#39;s replica pool gives way",
        "10 of 10 in use",
        "Try a pool of 20",
        "not tested",
        "171/s",
    ):
        assert words in html
    for section in ("load", "bottleneck", "parts", "scaling", "headroom", "levels"):
        assert f'id="{section}"' in html


def test_saturation_grows_with_the_level(report: RunReport) -> None:
    (chart,) = (
        block
        for section in capacity_page(report, found_in(report)).sections
        if section.id == "bottleneck"
        for block in section.blocks
    )
    rows = {row[0]: row[1:] for row in chart.figures.rows}  # type: ignore[union-attr]
    pool = [float(value.removesuffix("%")) for value in rows["API replica pool"]]
    assert pool == sorted(pool)
    assert pool[-1] > 80


def test_bound_that_was_not_found_is_said(report: RunReport) -> None:
    html = render(capacity_page(report, found_in(report, found=False)))
    assert check(html).problems == []
    assert "at least 160/s" in html
    assert "was not looked for" in html


def test_search_without_a_single_level_makes_a_page(tmp_path: Path) -> None:
    shape = Shape(stages="ramp to 20/s over 4s", warmup_s=1, limit_per_s=1, tiers=())
    report = read_report(open_run(write_sample(tmp_path, shape)))
    nothing = Capacity(
        False, "no level was evidence", None, None, None, None, (), None, None, 0, False, None, False, 4, ()
    )  # fmt: skip
    assert check(render(capacity_page(report, nothing))).problems == []


def test_stored_search_can_be_drawn_again(report: RunReport, tmp_path: Path) -> None:
    found = found_in(report)
    run = report.run
    beside = run.path.with_name("capacity.json")
    beside.write_text(json.dumps(found.to_dict(), default=str))
    assert stored_capacity(run) == found
    assert "The system carries" in write_report(run, tmp_path / "again.html").read_text()
    beside.write_text("{}")
    with pytest.raises(HarnessError, match="run the search again"):
        stored_capacity(run)
    beside.unlink()
    assert stored_capacity(run) is None
