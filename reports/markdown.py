"""Verdicts as a short Markdown text for a pull request."""

from __future__ import annotations

from reports.cases import Case, Verdicts

_SIGN = {"pass": "✅", "fail": "❌", "inconclusive": "❔"}
_WORDS = {"pass": "pass", "fail": "fail", "inconclusive": "cannot tell"}
_MOST_CASES = 30


def markdown(verdicts: Verdicts, report_link: str = "") -> str:
    """The verdict as a heading, what was judged as a table (failures first), and where the page is."""
    lines = [f"### {_SIGN[verdicts.verdict]} {_plain(verdicts.sentence)}", ""]
    if verdicts.cases:
        lines += ["| | What | Where | Found |", "|---|---|---|---|"]
        lines += [_row(case) for case in _ordered(verdicts.cases)[:_MOST_CASES]]
        left = len(verdicts.cases) - _MOST_CASES
        lines += [f"| | … and {left} more | | |"] if left > 0 else []
        lines.append("")
    if verdicts.notes:
        lines += [*(f"- {_plain(note)}" for note in verdicts.notes), ""]
    end = f"[Full report]({report_link})" if report_link else "The full report is in the run's folder."
    return "\n".join([*lines, f"<sub>{_plain(verdicts.name)}. {end}</sub>", ""])


def _ordered(cases: list[Case]) -> list[Case]:
    order = ["fail", "inconclusive", "pass"]
    return sorted(cases, key=lambda case: order.index(case.verdict))


def _row(case: Case) -> str:
    sign = f"{_SIGN[case.verdict]} {_WORDS[case.verdict]}"
    return f"| {sign} | {_plain(case.name)} | {_plain(case.group)} | {_plain(case.words)} |"


def _plain(text: str) -> str:
    """Text that Markdown and a table's cells leave as it is."""
    flat = " ".join(text.split())
    for special in "\\`*_|[]~":
        flat = flat.replace(special, "\\" + special)
    return flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
