"""Verdicts as JUnit XML, as CI systems read it: what cannot be told is skipped, with its reason."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from typing import Literal

from reports.cases import Case, Verdicts

Inconclusive = Literal["skip", "pass", "fail"]

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(verdicts: Verdicts, inconclusive: Inconclusive = "skip") -> str:
    """The document: one suite, a test case for each case; inconclusive ones count as asked for."""
    fails = sum(_counts_as(case, inconclusive) == "fail" for case in verdicts.cases)
    skips = sum(_counts_as(case, inconclusive) == "skip" for case in verdicts.cases)
    counts = {
        "tests": str(len(verdicts.cases)),
        "failures": str(fails),
        "errors": "0",
        "time": f"{verdicts.span_s:.3f}",
    }
    root = ElementTree.Element("testsuites", {"name": "harness", **counts})
    suite = ElementTree.SubElement(
        root, "testsuite", {"name": _clean(verdicts.name), **counts, "skipped": str(skips)}
    )
    for case in verdicts.cases:
        _add(suite, case, inconclusive)
    ElementTree.SubElement(suite, "system-out").text = _clean("\n".join([verdicts.sentence, *verdicts.notes]))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _counts_as(case: Case, inconclusive: Inconclusive) -> str:
    return inconclusive if case.verdict == "inconclusive" else case.verdict


def _add(suite: ElementTree.Element, case: Case, inconclusive: Inconclusive) -> None:
    named = {"name": _clean(case.name), "classname": _clean(case.group), "time": "0"}
    element = ElementTree.SubElement(suite, "testcase", named)
    counted = _counts_as(case, inconclusive)
    if counted == "pass":
        return
    tag = "failure" if counted == "fail" else "skipped"
    told = ElementTree.SubElement(element, tag, {"message": _clean(case.words)})
    if tag == "failure":
        told.set("type", "worse" if case.verdict == "fail" else "inconclusive")
        told.text = _clean(case.words)


def _clean(text: str) -> str:
    """Without the characters that no XML may hold, not even escaped."""
    return _NOT_XML.sub("�", text)
