"""A gate's answer as a short Markdown text for a pull request."""

from __future__ import annotations

from analysis.gate import GateResult, Outcome

_SIGN = {"pass": "✅", "fail": "❌", "inconclusive": "❔"}
_WORDS = {"pass": "pass", "fail": "fail", "inconclusive": "cannot tell"}
_MOST_TOLD = 15
_MOST_MORE = 60
_HEAD = ["| | What | Where | Found |", "|---|---|---|---|"]


def markdown(result: GateResult, report_link: str = "") -> str:
    """The verdict as a heading, what failed or decided as a table, the notes, and the rest folded away."""
    lines = [f"### {_SIGN[result.verdict]} {_plain(result.sentence)}", ""]
    told, rest = result.told(_MOST_TOLD), result.rest(_MOST_TOLD)
    if told:
        lines += [*_HEAD, *(_row(one) for one in told), ""]
    if result.notes:
        lines += [*(f"- {_plain(note)}" for note in result.notes), ""]
    if rest:
        lines += [f"<details><summary>{result.rest_counted(_MOST_TOLD)}</summary>", "", *_HEAD]
        lines += [_row(one) for one in rest[:_MOST_MORE]]
        left = len(rest) - _MOST_MORE
        lines += [f"| | … and {left} more | | |"] if left > 0 else []
        lines += ["", "</details>", ""]
    end = f"[Full report]({report_link})" if report_link else "The full report is in the run's folder."
    return "\n".join([*lines, f"<sub>{_plain(result.name)}. {end}</sub>", ""])


def _row(one: Outcome) -> str:
    sign = f"{_SIGN[one.verdict]} {_WORDS[one.verdict]}"
    return f"| {sign} | {_plain(one.name)} | {_plain(one.where)} | {_plain(one.text)} |"


def _plain(text: str) -> str:
    """Text that Markdown and a table's cells leave as it is."""
    flat = " ".join(text.split())
    for special in "\\`*_|[]~":
        flat = flat.replace(special, "\\" + special)
    return flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
