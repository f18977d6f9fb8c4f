from __future__ import annotations

import io
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import xmlschema

from reports.cases import Case, Verdicts, run_verdicts
from reports.index import write_index
from reports.junit import junit_xml
from reports.markdown import markdown
from reports.page import write_report
from reports.run_data import RunReport
from results import open_run
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

SOME = Verdicts(
    "20260105 <x>",
    "p99 reached 300 ms; the limit is 250 ms.",
    "fail",
    [
        Case("p99 < 250 ms", "all endpoints", "fail", "300 ms, limit 250 ms"),
        Case("errors < 1%", "todo.list", "pass", "0%"),
        Case("a|b `c` <d> \x00", "x", "inconclusive", "nothing was measured"),
    ],
    12.5,
    ["look at *this*"],
)


def test_junit_is_valid_and_counts_its_cases() -> None:
    xml = junit_xml(SOME)
    xmlschema.XMLSchema(io.StringIO(SCHEMA)).validate(xml)
    (suite,) = ElementTree.fromstring(xml)
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")


@pytest.mark.parametrize(("inconclusive", "failures"), [("skip", "1"), ("pass", "1"), ("fail", "2")])
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


def test_run_becomes_its_objectives_and_its_validity(sample_report: RunReport) -> None:
    found = run_verdicts(sample_report)
    assert [case.group for case in found.cases][:2] == ["validity", "all endpoints"]
    assert len(found.cases) == 1 + len(sample_report.objectives)
    xmlschema.XMLSchema(io.StringIO(SCHEMA)).validate(junit_xml(found))


def test_index_links_reports_with_their_verdicts(tmp_path: Path) -> None:
    for name in ("20260105-a", "20260106-b"):
        write_sample(tmp_path, Shape(stages="40/s for 5s", warmup_s=1, tiers=("host",)), name)
    write_report(open_run(tmp_path / "20260105-a"), tmp_path / "20260105-a" / "report.html")
    (tmp_path / "20260107-broken").mkdir()
    (tmp_path / "20260107-broken" / "run.db").write_text("not a database, long enough to look like one" * 50)
    html = write_index(tmp_path).read_text()
    problems = [one for one in check(html).problems if not one.startswith("asks for 2026")]
    assert problems == []
    assert 'href="20260105-a/report.html"' in html
    assert "20260106-b" in html
    assert "cannot be read" in html
