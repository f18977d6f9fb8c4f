"""A gate's answer as GitHub workflow commands: annotations on the job, one line each."""

from __future__ import annotations

from analysis.gate import GateResult
from reports.cases import Case, Verdicts

_LEVEL = {"fail": "error", "inconclusive": "warning", "pass": "notice"}
_MOST = 10
"""GitHub shows at most 10 annotations of a kind and step."""


def github_annotations(verdicts: Verdicts | GateResult) -> str:
    """The sentence, then what failed or could not be told; what passed needs no annotation."""
    lines = [_command(_LEVEL[verdicts.verdict], verdicts.name, verdicts.sentence)]
    found = verdicts.outcomes if isinstance(verdicts, GateResult) else verdicts.cases
    told = [one for one in found if one.verdict == "fail"]
    if verdicts.verdict == "inconclusive":
        told += [one for one in found if one.verdict == "inconclusive"]
    for one in told[: _MOST - 1]:
        where, text = (one.group, one.words) if isinstance(one, Case) else (one.where, one.text)
        lines.append(_command(_LEVEL[one.verdict], f"{one.name} ({where})", text))
    return "\n".join(lines) + "\n"


def _command(level: str, title: str, message: str) -> str:
    return f"::{level} title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
