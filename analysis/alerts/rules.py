"""A file of alert rules in Prometheus's format, checked before anything starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import promql_parser
import yaml  # type: ignore[import-untyped]
from pydantic import BaseModel, ConfigDict, ValidationError

from analysis.alerts.supported import problem_with
from results import UsageError
from results.errors import first_problem


@dataclass(frozen=True)
class Rule:
    """One rule. `name` is of the alert, or of the series that a recording rule makes."""

    name: str
    text: str
    expr: Any
    """As promql_parser read it."""
    for_s: float
    keep_s: float
    labels: dict[str, str]
    annotations: dict[str, str]
    group: str
    interval_s: float | None
    """How often it is evaluated; None where its group does not say."""
    records: bool = False


@dataclass(frozen=True)
class RuleFile:
    """The rules of a file in its order."""

    source: str
    text: str
    rules: list[Rule]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)


class _Rule(_Model):
    alert: str = ""
    record: str = ""
    expr: str
    # `for` is a word of Python's own.
    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True, populate_by_name=True)
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    keep_firing_for: str = "0s"


class _Group(_Model):
    name: str
    interval: str | None = None
    rules: list[dict[str, Any]] = []


class _File(_Model):
    groups: list[_Group]


def parse_rules(text: str, source: str) -> RuleFile:
    """The rules in a file's text; `source` is its name. Raises UsageError, one line that says where."""
    try:
        told = yaml.safe_load(text)
        file = _File(**told) if isinstance(told, dict) else None
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise UsageError(
            f"alerts {source}: no YAML{where}: {getattr(problem, 'problem', problem)}"
        ) from problem
    except ValidationError as problem:
        raise UsageError(f"alerts {source}: {first_problem(problem)}") from problem
    if file is None:
        raise UsageError(f"alerts {source}: no rules in it: it has to begin with 'groups:'")
    rules = [_rule(one, group, source) for group in file.groups for one in group.rules]
    if not any(not rule.records for rule in rules):
        raise UsageError(f"alerts {source}: there is no alert in it")
    return RuleFile(source, text, rules)


def _rule(told: dict[str, Any], group: _Group, source: str) -> Rule:
    name = str(told.get("alert") or told.get("record") or "a rule without a name")
    where = f"alerts {source}, {name}"
    wait = told.get("for", "0s")
    try:
        model = _Rule(**{key: value for key, value in told.items() if key != "for"})
    except ValidationError as problem:
        raise UsageError(f"{where}: {first_problem(problem)}") from problem
    if bool(model.alert) == bool(model.record):
        raise UsageError(f"{where}: a rule is either an 'alert' or a 'record'")
    try:
        expr = promql_parser.parse(model.expr)
    except ValueError as problem:
        raise UsageError(f"{where}: {problem}") from problem
    beyond = problem_with(expr)
    if beyond:
        raise UsageError(f"{where}: {beyond}")
    return Rule(
        name,
        " ".join(model.expr.split()),
        expr,
        _seconds(wait, f"{where}: for"),
        _seconds(model.keep_firing_for, f"{where}: keep_firing_for"),
        model.labels,
        model.annotations,
        group.name,
        None if group.interval is None else _seconds(group.interval, f"alerts {source}, group {group.name}"),
        bool(model.record),
    )


def _seconds(text: Any, where: str) -> float:
    if str(text) in ("0", "0s"):
        return 0.0
    try:
        return float(promql_parser.parse_duration(str(text)).total_seconds())
    except ValueError as problem:
        raise UsageError(f"{where}: '{text}' is no duration: write it like 30s or 5m") from problem
