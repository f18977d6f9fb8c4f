"""A gate's answer as a short Markdown text for a pull request."""

from __future__ import annotations

from analysis.gate import GateResult, Outcome

_SIGN = {"pass": "✅", "fail": "❌", "inconclusive": "❔"}
_WORDS = {"pass": "pass", "fail": "fail", "inconclusive": "cannot tell"}
_ORDER = ["fail", "inconclusive", "pass"]
_MOST_ROWS = 30


def markdown(result: GateResult, report_link: str = "") -> str:
    """The verdict as a heading, what was judged as a table (failures first), and where the page is."""
    lines = [f"### {_SIGN[result.verdict]} {_plain(result.sentence)}", ""]
    if result.outcomes:
        lines += ["| | What | Where | Found |", "|---|---|---|---|"]
        lines += [_row(one) for one in _ordered(result.outcomes)[:_MOST_ROWS]]
        left = len(result.outcomes) - _MOST_ROWS
        lines += [f"| | … and {left} more | | |"] if left > 0 else []
        lines.append("")
    if result.notes:
        lines += [*(f"- {_plain(note)}" for note in result.notes), ""]
    end = f"[Full report]({report_link})" if report_link else "The full report is in the run's folder."
    return "\n".join([*lines, f"<sub>{_plain(result.name)}. {end}</sub>", ""])


def _ordered(outcomes: list[Outcome]) -> list[Outcome]:
    return sorted(outcomes, key=lambda one: _ORDER.index(one.verdict))


def _row(one: Outcome) -> str:
    sign = f"{_SIGN[one.verdict]} {_WORDS[one.verdict]}"
    return f"| {sign} | {_plain(one.name)} | {_plain(one.where)} | {_plain(one.text)} |"


def _plain(text: str) -> str:
    """Text that Markdown and a table's cells leave as it is."""
    flat = " ".join(text.split())
    for special in "\\`*_|[]~":
        flat = flat.replace(special, "\\" + special)
    return flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
