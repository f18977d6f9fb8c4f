from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import xmlschema

from analysis.duel import Duel
from analysis.gate import GateResult, Outcome, gate_duel
from reports.junit import junit_xml
from tests.analysis.compare.imagined import healthy, response, slower

SCHEMA = xmlschema.XMLSchema(Path(__file__).with_name("junit-10.xsd"))


def of_duel(factor: float, noise: float) -> GateResult:
    duel, seed = Duel(), 0
    while duel.next() is not None:
        seed += 2
        duel.observe(healthy(seed, noise), slower(healthy(seed + 1, noise), response("todo.search", factor)))
    return gate_duel(duel.decision())


@pytest.mark.parametrize(("factor", "noise"), [(1.0, 0.01), (2.5, 0.01), (1.0, 0.2)])
@pytest.mark.parametrize("inconclusive", ["report", "pass", "fail"])
def test_duels_are_valid_for_ci_systems(factor: float, noise: float, inconclusive: str) -> None:
    found = of_duel(factor, noise)
    xml = junit_xml(found, inconclusive, 12_345.678)  # type: ignore[arg-type]
    SCHEMA.validate(xml)
    (suite,) = ElementTree.fromstring(xml)
    failures = sum(one.find("failure") is not None for one in suite.iter("testcase"))
    assert int(suite.attrib["failures"]) == failures
    assert int(suite.attrib["tests"]) == len(found.outcomes)


@pytest.mark.parametrize(
    "text", ["<b>&amp; ]]>", 'a "quoted" name', "nul \x00 and \x1b[31m", "πάντα ῥεῖ", ""]
)
def test_any_text_may_stand_in_it(text: str) -> None:
    result = GateResult(text, "duel", "fail", text, [Outcome(text, text, "fail", text)], 3, [text])
    SCHEMA.validate(junit_xml(result))


def test_the_schema_refuses_what_ci_systems_refuse() -> None:
    xml = junit_xml(of_duel(2.5, 0.01))
    assert not SCHEMA.is_valid(xml.replace(' classname="', ' class="'))
    assert not SCHEMA.is_valid(xml.replace("<failure", "<broken").replace("</failure", "</broken"))
