"""Which part of PromQL is evaluated here; whatever is beyond it is refused before a run, by name."""

from __future__ import annotations

from typing import Any

import promql_parser as promql

RANGE_FUNCTIONS = {
    "rate", "increase", "delta", "irate", "idelta", "changes", "resets",
    "avg_over_time", "sum_over_time", "count_over_time", "min_over_time", "max_over_time", "last_over_time",
}  # fmt: skip
OTHER_FUNCTIONS = {
    "abs", "absent", "ceil", "clamp_max", "clamp_min", "exp", "floor", "histogram_quantile", "ln", "sqrt",
    "scalar", "vector", "time",
}  # fmt: skip
AGGREGATIONS = {"sum", "avg", "min", "max", "count"}
SET_OPERATORS = {"and", "or", "unless"}
COMPARISONS = {"==", "!=", ">", "<", ">=", "<="}
ARITHMETIC = {"+", "-", "*", "/", "%", "^"}


def problem_with(expr: Any) -> str:
    """What in an expression cannot be evaluated here, in one line; empty where all can be."""
    found: list[str] = []

    def visit(node: Any) -> bool:
        beyond = _beyond(node)
        if beyond:
            found.append(f"{beyond} cannot be evaluated over a run: docs/report.md lists what can be")
        return not found

    promql.walk(expr, pre_visit=visit)
    return found[0] if found else ""


def _beyond(node: Any) -> str:
    if isinstance(node, promql.Call):
        name = str(node.func.name)
        return "" if name in RANGE_FUNCTIONS | OTHER_FUNCTIONS else f"{name}()"
    if isinstance(node, promql.AggregateExpr):
        name = str(node.op)
        return "" if name in AGGREGATIONS else f"{name}()"
    if isinstance(node, promql.BinaryExpr):
        return _beyond_binary(node)
    if isinstance(node, promql.SubqueryExpr):
        return "a subquery"
    if isinstance(node, promql.VectorSelector | promql.MatrixSelector):
        selector = node.vector_selector if isinstance(node, promql.MatrixSelector) else node
        if selector.at is not None:
            return "the @ modifier"
        return "'or' between matchers" if selector.matchers.or_matchers else ""
    return ""


def _beyond_binary(node: Any) -> str:
    name = str(node.op)
    if name not in SET_OPERATORS | COMPARISONS | ARITHMETIC:
        return f"the operator {name}"
    card = node.modifier.card if node.modifier is not None else None
    return "group_right" if card == promql.VectorMatchCardinality.OneToMany else ""
