"""A gate's answer as GitHub workflow commands: annotations on the job, one line each."""

from __future__ import annotations

from analysis.gate import GateResult

_LEVEL = {"fail": "error", "inconclusive": "warning", "pass": "notice"}
_MOST = 10
"""GitHub shows at most 10 annotations of a kind and step."""


def github_annotations(result: GateResult) -> str:
    """The sentence, then what failed or could not be told; what passed needs no annotation."""
    lines = [_command(_LEVEL[result.verdict], result.name, result.sentence)]
    told = [one for one in result.told(_MOST - 1) if one.verdict == "fail"]
    if result.verdict == "inconclusive":
        told += [one for one in result.told(_MOST - 1) if one.verdict == "inconclusive"]
    lines += [_command(_LEVEL[one.verdict], f"{one.name} ({one.where})", one.text) for one in told]
    return "\n".join(lines) + "\n"


def _command(level: str, title: str, message: str) -> str:
    return f"::{level} title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
