"""Evaluates an expression of PromQL over a run's series, at every moment of a grid at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import promql_parser as promql

from analysis.alerts.matching import Value, combined
from analysis.alerts.ranges import over_range
from analysis.alerts.series import StoredSeries
from analysis.alerts.supported import RANGE_FUNCTIONS
from analysis.alerts.vector import (
    NAME,
    Element,
    Floats,
    Labels,
    Vector,
    but,
    grouped,
    labels_of,
    merged,
    only,
)

_SIMPLE: dict[str, Callable[[Floats], Floats]] = {
    "abs": np.abs, "ceil": np.ceil, "floor": np.floor, "sqrt": np.sqrt, "exp": np.exp, "ln": np.log,
}  # fmt: skip


class Evaluator:
    """Series and the moments (shape (moments,), seconds since load began) at which rules are evaluated."""

    def __init__(self, series: Iterable[StoredSeries], moments_s: Floats) -> None:
        self.moments_s = moments_s
        self._by_name: dict[str, list[StoredSeries]] = {}
        for one in series:
            self.add(one)

    def add(self, series: StoredSeries) -> None:
        """Know one more series: what a recording rule made."""
        self._by_name.setdefault(series.name, []).append(series)

    def value(self, expr: Any) -> Value:
        """A scalar or a vector. Raises UsageError where two elements come to have the same labels."""
        if isinstance(expr, promql.NumberLiteral):
            return np.full(self.moments_s.size, float(expr.val))
        if isinstance(expr, promql.ParenExpr):
            return self.value(expr.expr)
        if isinstance(expr, promql.UnaryExpr):
            return combined("*", np.full(self.moments_s.size, -1.0), self.value(expr.expr), None)
        if isinstance(expr, promql.VectorSelector):
            return [self._instant(one, _seconds(expr.offset)) for one in self._selected(expr)]
        if isinstance(expr, promql.AggregateExpr):
            return self._aggregate(expr)
        if isinstance(expr, promql.BinaryExpr):
            return combined(str(expr.op), self.value(expr.lhs), self.value(expr.rhs), expr.modifier)
        return self._call(str(expr.func.name), list(expr.args))

    def matching(self, expr: Any) -> list[tuple[str, bool]]:
        """The metrics that an expression asks for, and whether the run has any series of each."""
        selectors: list[Any] = []

        def visit(node: Any) -> bool:
            if isinstance(node, promql.VectorSelector):
                selectors.append(node)
            elif isinstance(node, promql.MatrixSelector):
                selectors.append(node.vector_selector)
            return True

        promql.walk(expr, pre_visit=visit)
        named = {str(one).replace("{}", ""): bool(self._selected(one)) for one in selectors}
        return list(named.items())

    def _selected(self, selector: Any) -> list[StoredSeries]:
        matchers = [(one.op, one.name, one.value) for one in selector.matchers.matchers]
        equal = {name: value for op, name, value in matchers if op == promql.MatchOp.Equal}
        name = selector.name or equal.get(NAME)
        pools = [self._by_name.get(name, [])] if name else list(self._by_name.values())
        return [one for pool in pools for one in pool if _matches(dict(one.labels), matchers)]

    def _instant(self, series: StoredSeries, offset_s: float) -> Element:
        """The latest sample at each moment, unless it is too old or its tier has not answered since."""
        at = self.moments_s - offset_s
        place = np.searchsorted(series.at_s, at, side="right") - 1
        here = place >= 0
        latest = series.at_s[np.maximum(place, 0)] if series.at_s.size else np.full(at.size, -np.inf)
        here &= at - latest < series.lookback_s
        if series.gone_s.size:
            last_gone = np.searchsorted(series.gone_s, at, side="right") - 1
            gone = series.gone_s[np.maximum(last_gone, 0)]
            here &= (last_gone < 0) | (gone <= latest)
        values = series.values[np.maximum(place, 0)] if series.at_s.size else np.full(at.size, np.nan)
        return Element(series.labels, np.where(here, values, np.nan), here)

    def _range(self, name: str, matrix: Any) -> Vector:
        selector, range_s = matrix.vector_selector, _seconds(matrix.range)
        at = self.moments_s - _seconds(selector.offset)
        found = [
            Element(one.labels, *over_range(name, one.at_s, one.values, at, range_s))
            for one in self._selected(selector)
        ]
        return found if name == "last_over_time" else merged([one.without_name() for one in found])

    def _call(self, name: str, args: list[Any]) -> Value:
        if name in RANGE_FUNCTIONS:
            return self._range(name, args[0])
        if name == "time":
            return self.moments_s
        told = [self.value(arg) for arg in args]
        if name == "vector":
            return [Element((), np.asarray(told[0]), np.ones(self.moments_s.size, dtype=bool))]
        vector = told[1] if name == "histogram_quantile" else told[0]
        assert isinstance(vector, list)
        if name == "absent":
            return [_absent(vector, args[0], self.moments_s.size)]
        if name == "scalar":
            return _only_one(vector, self.moments_s.size)
        if name == "histogram_quantile":
            return _histogram_quantile(np.asarray(told[0]), vector)
        with np.errstate(all="ignore"):
            if name in ("clamp_min", "clamp_max"):
                limit = np.asarray(told[1])
                clamp = np.maximum if name == "clamp_min" else np.minimum
                return [Element(v.labels, clamp(v.values, limit), v.here).without_name() for v in vector]
            return [Element(v.labels, _SIMPLE[name](v.values), v.here).without_name() for v in vector]

    def _aggregate(self, expr: Any) -> Vector:
        vector = self.value(expr.expr)
        assert isinstance(vector, list)
        modifier = expr.modifier

        def key(one: Element) -> Any:
            if modifier is None:
                return ()
            if modifier.type == promql.AggModifierType.By:
                return only(one.labels, modifier.labels)
            return but(one.labels, [NAME, *modifier.labels])

        return [
            _aggregated(str(expr.op), labels, ones) for labels, ones in grouped((key(v), v) for v in vector)
        ]


def _aggregated(name: str, labels: Any, ones: Vector) -> Element:
    here = np.array([one.here for one in ones])
    values = np.array([one.values for one in ones])
    count = here.sum(axis=0)
    known = np.where(here, values, 0.0)
    with np.errstate(all="ignore"):
        if name == "count":
            found = count.astype(np.float64)
        elif name == "min":
            found = np.fmin.reduce(np.where(here, values, np.nan))
        elif name == "max":
            found = np.fmax.reduce(np.where(here, values, np.nan))
        else:
            found = known.sum(axis=0) / (count if name == "avg" else 1)
    return Element(labels, found, count > 0)


def _absent(vector: Vector, arg: Any, size: int) -> Element:
    """1 where no element exists, with the labels that the selector asks to be equal."""
    present = np.zeros(size, dtype=bool)
    for one in vector:
        present |= one.here
    labels: Labels = ()
    if isinstance(arg, promql.VectorSelector):
        equal = [(m.name, m.value) for m in arg.matchers.matchers if m.op == promql.MatchOp.Equal]
        labels = labels_of(pair for pair in equal if pair[0] != NAME)
    return Element(labels, np.ones(size), ~present)


def _only_one(vector: Vector, size: int) -> Floats:
    """The value where exactly one element exists, else not a number."""
    if not vector:
        return np.full(size, np.nan)
    here = np.array([one.here for one in vector])
    values = np.where(here, [one.values for one in vector], 0.0).sum(axis=0)
    return np.where(here.sum(axis=0) == 1, values, np.nan)


def _histogram_quantile(q: Floats, vector: Vector) -> Vector:
    """Prometheus's estimate: linear within a bucket; in the last one, its lower bound."""
    found = []
    with_bounds = [one for one in vector if _bound(one) is not None]
    for labels, ones in grouped((but(one.labels, (NAME, "le")), one) for one in with_bounds):
        ordered = sorted(ones, key=lambda one: _bound(one) or 0.0)
        bounds = np.array([_bound(one) for one in ordered], dtype=np.float64)
        here = np.logical_or.reduce([one.here for one in ordered])
        counts = np.maximum.accumulate([np.where(one.here, one.values, 0.0) for one in ordered], axis=0)
        if bounds.size >= 2 and np.isinf(bounds[-1]):
            found.append(Element(labels, _quantile(q, bounds, counts), here))
    return found


def _bound(one: Element) -> float | None:
    try:
        return float(one.get("le"))
    except ValueError:
        return None


def _quantile(q: Floats, bounds: Floats, counts: Floats) -> Floats:
    total = counts[-1]
    rank = q * total
    place = np.minimum((counts < rank).sum(axis=0), bounds.size - 1)
    column = np.arange(total.size)
    below = np.where(place > 0, counts[np.maximum(place - 1, 0), column], 0.0)
    start = np.where(place > 0, bounds[np.maximum(place - 1, 0)], np.minimum(bounds[0], 0.0))
    inside = counts[place, column] - below
    with np.errstate(all="ignore"):
        value = start + (bounds[place] - start) * (rank - below) / inside
    value = np.where(place == bounds.size - 1, bounds[-2], value)
    value = np.where((place == 0) & (bounds[0] <= 0), bounds[0], value)
    value = np.where(q < 0, -np.inf, np.where(q > 1, np.inf, value))
    return np.where(total > 0, value, np.nan)


def _matches(labels: dict[str, str], matchers: list[tuple[Any, str, str]]) -> bool:
    for op, name, wanted in matchers:
        value = labels.get(name, "")
        if op in (promql.MatchOp.Equal, promql.MatchOp.NotEqual):
            met = (value == wanted) is (op == promql.MatchOp.Equal)
        else:
            met = (re.fullmatch(wanted, value) is not None) is (op == promql.MatchOp.Re)
        if not met:
            return False
    return True


def _seconds(delta: Any) -> float:
    return 0.0 if delta is None else float(delta.total_seconds())
