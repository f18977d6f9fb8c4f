from __future__ import annotations

import io
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import xmlschema

from analysis.gate import GateResult, Outcome, gate_run
from reports.annotations import github_annotations
from reports.as_json import run_json
from reports.index import write_index
from reports.junit import junit_xml
from reports.markdown import markdown
from reports.page import write_report
from reports.run_data import RunReport
from results import open_run
from results.catalogue import Entry, read_catalogue
from tests.reports.html_check import check
from tests.reports.sample_run import Shape, write_sample

SCHEMA = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:complexType name="told" mixed="true">
    <xs:attribute name="type"/><xs:attribute name="message"/>
  </xs:complexType>
  <xs:element name="testsuites"><xs:complexType>
    <xs:sequence><xs:element name="testsuite" maxOccurs="unbounded"><xs:complexType>
      <xs:sequence>
        <xs:element name="testcase" minOccurs="0" maxOccurs="unbounded"><xs:complexType>
          <xs:choice minOccurs="0">
            <xs:element name="skipped" type="told"/><xs:element name="failure" type="told"/>
          </xs:choice>
          <xs:attribute name="name" use="required"/><xs:attribute name="classname" use="required"/>
          <xs:attribute name="time" type="xs:decimal" use="required"/>
        </xs:complexType></xs:element>
        <xs:element name="system-out" type="xs:string" minOccurs="0"/>
      </xs:sequence>
      <xs:attribute name="name" use="required"/>
      <xs:attribute name="tests" type="xs:nonNegativeInteger" use="required"/>
      <xs:attribute name="failures" type="xs:nonNegativeInteger" use="required"/>
      <xs:attribute name="errors" type="xs:nonNegativeInteger" use="required"/>
      <xs:attribute name="skipped" type="xs:nonNegativeInteger"/>
      <xs:attribute name="time" type="xs:decimal"/>
    </xs:complexType></xs:element></xs:sequence>
    <xs:attribute name="name"/><xs:attribute name="tests"/><xs:attribute name="failures"/>
    <xs:attribute name="errors"/><xs:attribute name="time" type="xs:decimal"/>
  </xs:complexType></xs:element>
</xs:schema>"""
"""The part of the JUnit format that is written: stricter than what CI systems accept."""

SOME = GateResult(
    "20260105 <x>",
    "objectives",
    "fail",
    "p99 reached 300 ms; the limit is 250 ms.",
    [
        Outcome("p99 < 250 ms", "all endpoints", "fail", "300 ms, limit 250 ms"),
        Outcome("errors < 1%", "todo.list", "pass", "0%"),
        Outcome("a|b `c` <d> \x00", "x", "inconclusive", "nothing was measured", True),
    ],
    3,
    ["look at *this*"],
)


def test_junit_is_valid_and_counts_its_cases() -> None:
    xml = junit_xml(SOME)
    xmlschema.XMLSchema(io.StringIO(SCHEMA)).validate(xml)
    (suite,) = ElementTree.fromstring(xml)
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")


@pytest.mark.parametrize(("inconclusive", "failures"), [("report", "1"), ("pass", "1"), ("fail", "2")])
def test_what_cannot_be_told_counts_as_asked(inconclusive: str, failures: str) -> None:
    xml = junit_xml(SOME, inconclusive)  # type: ignore[arg-type]
    assert ElementTree.fromstring(xml).get("failures") == failures


def test_markdown_puts_failures_first_and_escapes_cells() -> None:
    text = markdown(SOME, "https://ci.example/report.html")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert text.startswith("### ❌ p99 reached 300 ms")
    assert "300 ms" in rows[1]
    assert r"a\|b \`c\` &lt;d&gt;" in rows[2]
    assert "(https://ci.example/report.html)" in text


def test_annotations_are_one_line_each_and_escaped() -> None:
    lines = github_annotations(SOME).splitlines()
    assert lines[0].startswith("::error title=20260105 <x>::p99 reached 300 ms")
    assert lines[1] == "::error title=p99 < 250 ms (all endpoints)::300 ms, limit 250 ms"
    assert len(lines) == 2


def test_gate_of_a_stored_run_becomes_valid_junit(sample_report: RunReport) -> None:
    xml = junit_xml(gate_run(sample_report.run))
    xmlschema.XMLSchema(io.StringIO(SCHEMA)).validate(xml)
    assert ElementTree.fromstring(xml).get("tests") == str(1 + len(sample_report.objectives))


def test_index_links_reports_with_their_verdicts(tmp_path: Path) -> None:
    for name in ("20260105-a", "20260106-b"):
        write_sample(tmp_path, Shape(stages="40/s for 5s", warmup_s=1, tiers=("host",)), name)
    write_report(open_run(tmp_path / "20260105-a"), tmp_path / "20260105-a" / "report.html")
    (tmp_path / "20260107-broken").mkdir()
    (tmp_path / "20260107-broken" / "run.db").write_text("not a database, long enough to look like one" * 50)
    html = write_index(read_catalogue(tmp_path), tmp_path).read_text()
    problems = [one for one in check(html).problems if not one.startswith("asks for 2026")]
    assert problems == []
    assert 'href="20260105-a/report.html"' in html
    assert "20260106-b" in html
    assert "cannot be read" in html


def test_index_says_of_a_duel_what_came_of_it_and_leaves_why_to_its_page(tmp_path: Path) -> None:
    duel = Entry(
        tmp_path / "a-duel", "duel", verdict="fail", said="Worse: p99 4.1 ms → 9 ms. Lookups of x take long."
    )
    html = write_index([duel], tmp_path).read_text()
    assert "Worse: p99 4.1 ms → 9 ms." in html
    assert "Lookups" not in html


def test_json_holds_the_figures_of_the_page_and_no_nan(sample_report: RunReport) -> None:
    told = json.loads(run_json(sample_report))
    assert told["overall"]["response_us"]["p99"] == sample_report.overall.response.quantile_us(0.99)
    assert {one["slo"] for one in told["objectives"]} == {one.slo.text for one in sample_report.objectives}
    assert told["arrivals"]["missing"] == 0
    assert len(told["endpoints"]) == len(sample_report.table.rows)
