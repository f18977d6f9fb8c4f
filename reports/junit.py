"""A gate's answer as JUnit XML, as CI systems read it: what cannot be told is skipped, with its reason."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

from analysis.gate import GateResult, Inconclusive, Outcome

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(result: GateResult, inconclusive: Inconclusive = "report", span_s: float = 0.0) -> str:
    """The document: one suite, a test case for each outcome; `inconclusive` as the gate was asked."""
    fails = sum(_counts_as(one, inconclusive) == "fail" for one in result.outcomes)
    skips = sum(_counts_as(one, inconclusive) == "inconclusive" for one in result.outcomes)
    counts = {
        "tests": str(len(result.outcomes)),
        "failures": str(fails),
        "errors": "0",
        "time": f"{span_s:.3f}",
    }
    root = ElementTree.Element("testsuites", {"name": "harness", **counts})
    suite = ElementTree.SubElement(
        root, "testsuite", {"name": _clean(result.name), **counts, "skipped": str(skips)}
    )
    for outcome in result.outcomes:
        _add(suite, outcome, inconclusive)
    told = "\n".join([result.sentence, *result.notes])
    ElementTree.SubElement(suite, "system-out").text = _clean(told)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _counts_as(outcome: Outcome, inconclusive: Inconclusive) -> str:
    if outcome.verdict != "inconclusive" or inconclusive == "report":
        return outcome.verdict
    return inconclusive


def _add(suite: ElementTree.Element, outcome: Outcome, inconclusive: Inconclusive) -> None:
    named = {"name": _clean(outcome.name), "classname": _clean(outcome.where), "time": "0"}
    element = ElementTree.SubElement(suite, "testcase", named)
    counted = _counts_as(outcome, inconclusive)
    if counted == "pass":
        return
    tag = "failure" if counted == "fail" else "skipped"
    told = ElementTree.SubElement(element, tag, {"message": _clean(outcome.text)})
    if tag == "failure":
        told.set("type", outcome.verdict)
        told.text = _clean(outcome.text)


def _clean(text: str) -> str:
    """Without the characters that no XML may hold, not even escaped."""
    return _NOT_XML.sub("�", text)
