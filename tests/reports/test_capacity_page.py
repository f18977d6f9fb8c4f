from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from analysis.alerts.report import AlertsReport
from analysis.bottleneck import Bottleneck, Diagnosis, Evidence
from analysis.capacity import Capacity, Review, review
from analysis.capacity.whatif import as_predicted
from analysis.connections import Connections, PoolSize
from analysis.forecast import stated
from analysis.headroom import System, headroom
from analysis.validity import Reason
from reports.as_json import capacity_json
from reports.capacity_page import capacity_page, write_capacity_report
from reports.page import write_report
from reports.parts import Block, Cell, Chart, Facts, More, Note, Page, Ranked, Table
from reports.render import render
from reports.run_data import RunReport, read_report
from reports.sections.comparison import overlaid_curves
from reports.stored import stored_capacity
from reports.terminal import capacity_lines
from results import HarnessError, open_run
from results.units import show_latency, show_rate, three_digits
from tests.reports.html_check import check
from tests.reports.sample_run import Shape, write_sample
from tests.reports.sample_search import confirmed, found_in, search_shape


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> RunReport:
    return read_report(open_run(write_sample(tmp_path_factory.mktemp("runs"), search_shape())))


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
    told = review(report.run, found_in(report.run))
    diagnosis = Diagnosis("found", (first,), (), "200/s")
    return replace(told, diagnosis=diagnosis, headroom=ahead, connections=servers, doubts=())


def test_page_says_how_much_what_gives_way_and_until_when(report: RunReport, tmp_path: Path) -> None:
    page = write_capacity_report(report, reviewed(report), tmp_path / "c.html")
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
    wanted = ["load", "bottleneck", "parts", "scaling", "headroom", "limits", "levels", "demand", "caches"]
    shown = [section.id for section in capacity_page(report, reviewed(report)).sections]
    assert [name for name in shown if name in wanted] == wanted
    assert shown[: len(wanted)] == wanted


def test_alert_rules_that_the_search_was_given_have_a_section(report: RunReport) -> None:
    def shown(one: RunReport) -> list[str]:
        return [section.id for section in capacity_page(one, reviewed(one)).sections]

    assert "alerts" not in shown(report)
    assert "alerts" in shown(
        replace(report, alerts=AlertsReport("rules.yml", [], [], "rules.yml is no YAML"))
    )


def blocks_of(page: Page, section: str) -> list[Block]:
    """The blocks of a section, those behind a disclosure too."""
    (found,) = (one for one in page.sections if one.id == section)
    return [one for block in found.blocks for one in (block.blocks if isinstance(block, More) else [block])]


def cells(page: Page, section: str, caption: str) -> list[list[Cell]]:
    """The rows of a table of the page."""
    tables = (block for block in blocks_of(page, section) if isinstance(block, Table))
    (found,) = (table for table in tables if table.caption.startswith(caption))
    return found.rows


def links_of(block: Block) -> list[str]:
    """Where a block's claims are shown: a link for each row, fact and warning, empty where there is none."""
    match block:
        case Table():
            return [row[0].href for row in block.rows]
        case Facts():
            return [fact.href for fact in block.facts]
        case Note(tone="warn"):
            return block.hrefs or [""] * len(block.items)
    return []


def test_every_claim_links_to_its_evidence(report: RunReport) -> None:
    page = capacity_page(report, reviewed(report))
    (ranking,) = (block for one in page.sections for block in one.blocks if isinstance(block, Ranked))
    own = {
        section: [link for block in blocks_of(page, section) for link in links_of(block)]
        for section in ("limits", "scaling", "headroom")
    }
    assert len(own["limits"]) == 1 + 2 + 5, "the objective, SPECjbb's pair, the ladder"
    assert len(own["headroom"]) == 2 * 3 + 1 + 4, "each peak's instances, pool and server; the sum; warnings"
    links = [f"#{page.evidence}", f"#{page.measured}", *(fact.href for fact in page.facts), *ranking.hrefs]
    links += [link for section in own.values() for link in section]
    assert {link.removeprefix("#") for link in links} <= {section.id for section in page.sections}
    assert '<em><a href="#load">171/s</a></em>' in render(page)


def test_connections_of_a_server_that_was_not_watched_link_to_the_settings(report: RunReport) -> None:
    page = capacity_page(replace(report, panels=[]), reviewed(report))
    assert [row[0].href for row in cells(page, "headroom", "Connection arithmetic")] == ["#environment"]
    html = render(page)
    assert '<a href="#environment">Evidence</a>' in html
    assert check(html).problems == []


def test_a_bottleneck_without_a_section_of_its_own_links_to_the_levels(report: RunReport) -> None:
    page = capacity_page(replace(report, panels=[]), reviewed(report))
    (ranking,) = (block for one in page.sections for block in one.blocks if isinstance(block, Ranked))
    assert ranking.hrefs == ["#levels"]
    assert check(render(page)).problems == []


def test_the_terminal_says_the_answer_first(report: RunReport) -> None:
    lines = capacity_lines(reviewed(report))
    assert lines[0] == "171/s within p99 < 250 ms; then the API's replica pool (10 of 10 in use)"
    assert lines[1] == "90% interval 165/s to 180/s; last pass 160/s, first fail 200/s; not confirmed"
    assert any(line.startswith("warning: primary: the pools may open 160") for line in lines)


def test_a_confirmation_is_told_with_its_rate(report: RunReport) -> None:
    told = replace(reviewed(report), capacity=confirmed(found_in(report.run), 120))
    assert capacity_lines(told)[1].endswith("first fail 200/s; confirmed at 120/s")
    assert ", confirmed at 120/s" in render(capacity_page(report, told))
    assert ", not confirmed" in render(capacity_page(report, reviewed(report)))
    assert json.loads(capacity_json(report, told))["capacity"]["confirmed_per_s"] == 120


UNCLAIMED: dict[str, Any] = {"ladder": None, "scaling": None}


def limited(report: RunReport) -> Review:
    generator = Bottleneck(
        "generator", "generator", "the load generator", "Load generator", 1.0,
        (Evidence("g0 uses 98% of its core", "generator"),), "use --processes",
    )  # fmt: skip
    diagnosis = Diagnosis("generator", (generator,), (), "200/s")
    return replace(review(report.run, found_in(report.run)), diagnosis=diagnosis, **UNCLAIMED)


def doubted(report: RunReport) -> Review:
    doubt = Reason("disturbed", "3 of the machine's 4 cores went elsewhere", "run it again")
    told = review(report.run, found_in(report.run))
    return replace(told, doubts=(doubt,), diagnosis=as_predicted(told.diagnosis, ()), **UNCLAIMED)


@pytest.mark.parametrize(
    ("refused", "why"),
    [
        (limited, "the load generator was the limit (g0 uses 98% of its core)"),
        (doubted, "3 of the machine's 4 cores went elsewhere"),
    ],
)
def test_a_rate_that_is_refused_is_told_nowhere(
    report: RunReport, refused: Callable[[RunReport], Review], why: str
) -> None:
    told = refused(report)
    assert told.answer == f"No capacity is claimed: {why}; 160/s was kept."
    page = check(render(capacity_page(report, told)))
    assert page.problems == []
    plain = json.loads(capacity_json(report, told))
    assert (plain["claimed"], plain["capacity"]["found"], plain["pair"]) == (False, False, None)
    texts = ["\n".join(capacity_lines(told)), " ".join(page.words), json.dumps(plain["capacity"])]
    assert all(why.partition(" (")[0] in text for text in texts)
    assert not [rate for text in texts for rate in ("171/s", "165/s to 180/s", "171.0") if rate in text]
    assert told.summary.figures == {}


def test_what_is_missing_to_tell_the_cause_is_said(report: RunReport) -> None:
    told = reviewed(report)
    blind = replace(told, diagnosis=Diagnosis("cannot tell", (), ("the machine (CPU by process)",), "200/s"))
    said = "what gives way then cannot be told without watching the machine (CPU by process)"
    assert capacity_lines(blind)[0] == f"171/s within p99 < 250 ms; {said}"
    assert f"{said[0].upper()}{said[1:]}." in render(capacity_page(report, blind))
    seen = replace(told, diagnosis=Diagnosis("cannot tell", (), (), "200/s"))
    assert seen.answer.endswith("cannot be told: no watched resource was full")


def test_json_holds_no_nan(report: RunReport) -> None:
    assert "NaN" not in capacity_json(report, reviewed(report))


def test_json_holds_what_was_measured_in_the_whole_of_the_search_and_no_verdict_of_a_plain_run(
    report: RunReport,
) -> None:
    run = json.loads(capacity_json(report, reviewed(report)))["run"]
    assert run["run"] == report.run.id
    assert run["arrivals"]["scheduled"] == report.run.account.scheduled > 0
    assert [one["name"] for one in run["endpoints"]] == [row.endpoint.name for row in report.table.rows]
    assert len(run["errors"]) == len(report.table.error_rows)
    assert [one["hit_ratio"] for one in run["caches"]] == [level.hit_ratio for level in report.caches]
    assert list(run["tiers"]) == [panel.tier for panel in report.panels]
    assert run["not_watched"] == [title for title, _ in report.blind]
    assert run["environment"] == report.run.environment
    assert not {"verdict", "sentence", "objectives"} & set(run)


def test_a_level_that_still_had_a_trend_at_its_end_is_marked(report: RunReport) -> None:
    found = found_in(report.run)
    changes: dict[float, dict[str, Any]] = {
        120: {"steady": False},
        200: {"steady": False, "purpose": "recover"},
        240: {"steady": False, "overloaded": True},
    }
    levels = tuple(replace(one, **changes.get(one.rate_per_s, {})) for one in found.levels)
    told = replace(reviewed(report), capacity=replace(found, levels=levels))
    shown = {
        row[2].words: row[4].small for row in cells(capacity_page(report, told), "levels", "Levels of the")
    }
    # A pause is not judged, and an overload grows by its nature.
    assert {rate for rate, small in shown.items() if small == "not steady"} == {"120/s"}
    plain = json.loads(capacity_json(report, told))["capacity"]["levels"]
    assert [one["steady"] for one in plain if one["rate_per_s"] in (80, 120)] == [True, False]


def figures_of(report: RunReport, told: Review, section: str) -> dict[str, list[str]]:
    """The rows behind a section's first chart, by their first cell."""
    (chart, *_) = (
        block
        for one in capacity_page(report, told).sections
        if one.id == section
        for block in one.blocks
        if isinstance(block, Chart)
    )
    assert chart.figures is not None
    return {row[0]: row[1:] for row in chart.figures.rows}


def test_json_says_what_the_page_says(report: RunReport) -> None:
    told = reviewed(report)
    plain = json.loads(capacity_json(report, told))
    curve, spent = (figures_of(report, told, name) for name in ("load", "parts"))
    assert len(plain["levels"]) == len(curve) == len(spent) == 6
    for level in plain["levels"]:
        times = [show_latency(level[name]) for name in ("p50_us", "p95_us", "p99_us")]
        assert curve[show_rate(level["rate_per_s"])][1:4] == times
        shown = [show_latency(level["parts_ms"].get(name, 0) * 1e3) for name in ("pool", "elsewhere")]
        assert set(shown) <= set(spent[f"{level['rate_per_s']:.3g}/s"])
    rows = {(row["tier"], row["resource"]): row for row in plain["saturation"]}
    pool = rows["api", "replica pool"]
    shown = figures_of(report, told, "bottleneck")["API replica pool"]
    assert [text.split(",")[0] for text in shown] == [f"{share:.0%}" for share in pool["utilisation"]]
    assert shown[-1].split(", ")[1:] == [f"{three_digits(pool['waiting'][-1])} waiting"]
    page = capacity_page(report, told)
    held = {row[0].words: row[1:] for row in cells(page, "demand", "Demand")}
    assert [cell.words for cell in held["API replica pool"]] == [
        show_latency(s * 1e6) for s in pool["demand_s"]
    ]
    band = plain["scaling"]["usl"]["band"]
    assert all(at["low_per_s"] <= at["rate_per_s"] <= at["high_per_s"] for at in band[1:])
    assert band[-1]["in_system"] > plain["scaling"]["usl"]["tested_to"]


def test_what_waits_or_is_refused_is_shown_beside_how_full_it_is(report: RunReport) -> None:
    told = reviewed(report)
    shown = figures_of(report, told, "bottleneck")["API replica pool"]
    busy = [float(text.split("%")[0]) for text in shown]
    assert busy == sorted(busy)
    assert busy[-1] > 80
    assert "waiting" not in shown[0]
    assert "waiting" in shown[-1]


def test_bound_that_was_not_found_is_said(report: RunReport) -> None:
    html = render(capacity_page(report, review(report.run, found_in(report.run, found=False))))
    assert check(html).problems == []
    assert "at least 160/s" in html
    assert "bound not found: it never failed up to the highest rate allowed" in html


def test_an_objective_that_was_not_measured_is_told_like_a_refusal(report: RunReport) -> None:
    why = "no request of todo.lost was measured"
    found = replace(found_in(report.run, found=False), reason="not measured", why=why)
    told = review(report.run, found)
    assert capacity_lines(told)[0] == f"No capacity is claimed: {why}."
    page = capacity_page(report, told)
    facts = {fact.name: (fact.value, fact.small, fact.href) for fact in page.facts}
    assert facts == {
        "Capacity": ("not claimed", why, "#levels"),
        "Can it be trusted?": ("No", "No request of todo.lost was measured.", "#levels"),
    }
    said = [*capacity_lines(told), " ".join(check(render(page)).words)]
    assert not [text for text in said if "at least 160/s" in text or "Highest rate at all" in text]


def ahead_of(report: RunReport, peak_per_s: float) -> Review:
    """A search without a bound, held against a forecast: it was tested up to 160/s."""
    system = System((("web", 2),))
    ahead = headroom(160, stated(peak_per_s, 0.04), system, today=date(2026, 11, 24), at_least=True)
    return replace(review(report.run, found_in(report.run, found=False)), headroom=ahead)


@pytest.mark.parametrize(
    ("peak_per_s", "small", "lost"),
    [
        (40, "headroom at least 75%, at least until November 2029, +4% a month", "still above the forecast"),
        (120, "headroom at least 25%, at least until July 2027, +4% a month", "not tested so far"),
        (300, "tested up to 160/s only, +4% a month", "not tested so far"),
    ],
)
def test_headroom_without_a_bound_is_told_as_at_least(
    report: RunReport, peak_per_s: float, small: str, lost: str
) -> None:
    page = capacity_page(report, ahead_of(report, peak_per_s))
    facts = {fact.name: fact for fact in page.facts}
    assert facts["Forecast peak"].small == small
    one_lost = facts["With one web instance lost"]
    assert (one_lost.value, one_lost.small) == ("at least 80/s", lost)
    assert "bad" not in {fact.tone for fact in page.facts}
    needs = cells(page, "headroom", "What the forecast")
    assert {row[0].small for row in needs} == {"at most, by the rate tested"}


def test_what_a_pool_of_several_workers_has_in_use_is_of_all_that_they_may_open(report: RunReport) -> None:
    pool = PoolSize("primary", "api", "primary", 2, 10, workers=4)
    ahead = headroom(171, stated(120), System(held_s=((pool, 0.5),)), today=date(2026, 11, 24))
    page = capacity_page(report, replace(reviewed(report), headroom=ahead))
    ((name, _, now, busy, lost, *_),) = cells(page, "headroom", "What the forecast")
    assert (name.words, now.words) == ("API primary pool, each of 2 instances x 4 workers", "10")
    # 60 are in use of 2 x 4 x 10, or of the 4 x 10 that are left.
    assert (busy.words, lost.words) == ("75%", "150%")


def test_no_forecast_is_said_to_be_missing_where_nothing_is_claimed(report: RunReport) -> None:
    (section,) = (one for one in capacity_page(report, doubted(report)).sections if one.id == "headroom")
    assert "--forecast" not in section.lead


def test_search_without_a_single_level_makes_a_page(tmp_path: Path) -> None:
    shape = Shape(stages="ramp to 20/s over 4s", warmup_s=1, limit_per_s=1, tiers=())
    report = read_report(open_run(write_sample(tmp_path, shape)))
    nothing = Capacity(
        False, "no level was evidence", "precise", None, None, None, None, (), None, None, 0, None,
        False, 4, (),
    )  # fmt: skip
    assert check(render(capacity_page(report, review(report.run, nothing)))).problems == []


def test_stored_search_can_be_drawn_again(report: RunReport, tmp_path: Path) -> None:
    found, info = found_in(report.run), report.run.info
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
    search = read_report(open_run(write_sample(tmp_path, search_shape(stages=stages))))
    search.run.info["capacity"] = found_in(search.run).to_dict()
    section = overlaid_curves([search, search], ["baseline", "candidate"])
    assert section is not None
    (chart,) = section.blocks
    assert isinstance(chart, Chart)
    assert chart.figures is not None
    for drawn in (chart.figures.at[:5], chart.figures.at[5:]):
        assert drawn == pytest.approx(sorted(tried), rel=0.15)


def test_an_answer_of_an_earlier_version_can_still_be_read(report: RunReport, tmp_path: Path) -> None:
    told = confirmed(found_in(report.run), 160)
    plain = told.to_dict() | {"confirmed": True}
    del plain["confirmed_per_s"]
    run = open_run(write_sample(tmp_path, search_shape(info={"capacity": plain})))
    stored = stored_capacity(run)
    assert stored == told
    assert stored.confirmed_per_s == 160
