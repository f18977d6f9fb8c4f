"""PromQL's operators between scalars and vectors, and how elements of two vectors find each other."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import promql_parser as promql

from analysis.alerts.supported import COMPARISONS, SET_OPERATORS
from analysis.alerts.vector import NAME, Bools, Element, Floats, Labels, Vector, but, grouped, only, shown
from results import UsageError

_ARITHMETIC: dict[str, Callable[[Floats, Floats], Floats]] = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "%": np.fmod, "^": np.power,
}  # fmt: skip
_COMPARE: dict[str, Callable[[Floats, Floats], Bools]] = {
    "==": np.equal, "!=": np.not_equal, ">": np.greater, "<": np.less,
    ">=": np.greater_equal, "<=": np.less_equal,
}  # fmt: skip

Value = Vector | Floats


def combined(name: str, left: Value, right: Value, modifier: Any) -> Value:
    """What an operator makes of two sides. Raises UsageError where matching is not one to one."""
    is_bool = bool(modifier is not None and modifier.return_bool)
    with np.errstate(all="ignore"):
        if isinstance(left, list) and isinstance(right, list):
            if name in SET_OPERATORS:
                return _set_operation(name, left, right, modifier)
            return _between_vectors(name, left, right, modifier, is_bool)
        if isinstance(left, list):
            assert not isinstance(right, list)
            return [_with_scalar(name, one, one.values, right, is_bool) for one in left]
        if isinstance(right, list):
            return [_with_scalar(name, one, left, one.values, is_bool) for one in right]
        return np.asarray(_computed(name, left, right), dtype=np.float64)


def _computed(name: str, left: Floats, right: Floats) -> Any:
    return _ARITHMETIC[name](left, right) if name in _ARITHMETIC else _COMPARE[name](left, right)


def _with_scalar(name: str, one: Element, left: Floats, right: Floats, is_bool: bool) -> Element:
    """A comparison keeps the elements that meet it, as they are; with `bool` it is 1 or 0 of all of them."""
    found = _computed(name, left, right)
    if name in COMPARISONS and not is_bool:
        return Element(one.labels, one.values, one.here & found)
    return Element(one.labels, np.asarray(found, dtype=np.float64), one.here).without_name()


def key_of(labels: Labels, modifier: Any) -> Labels:
    """The labels by which elements find each other."""
    matching = modifier.matching if modifier is not None else None
    if matching is None:
        return but(labels, (NAME,))
    if matching.type == promql.LabelModifierType.Include:
        return only(labels, matching.labels)
    return but(labels, [NAME, *matching.labels])


def _set_operation(name: str, left: Vector, right: Vector, modifier: Any) -> Vector:
    deciding = left if name == "or" else right
    present = {
        key: np.logical_or.reduce([one.here for one in ones])
        for key, ones in grouped((key_of(one.labels, modifier), one) for one in deciding)
    }
    if name == "or":
        others = [
            Element(one.labels, one.values, one.here & ~present.get(key_of(one.labels, modifier), np.False_))
            for one in right
        ]
        return [*left, *others]
    found = []
    for one in left:
        other = present.get(key_of(one.labels, modifier), np.zeros(one.here.size, dtype=bool))
        found.append(Element(one.labels, one.values, one.here & (other if name == "and" else ~other)))
    return found


def _between_vectors(name: str, left: Vector, right: Vector, modifier: Any, is_bool: bool) -> Vector:
    filters = name in COMPARISONS and not is_bool
    many = modifier is not None and modifier.card == promql.VectorMatchCardinality.ManyToOne
    partners = dict(grouped((key_of(one.labels, modifier), one) for one in right))
    found = []
    for key, ones in grouped((key_of(one.labels, modifier), one) for one in left):
        made: Vector = []
        for one, partner in itertools.product(ones, _alone(partners.get(key, []), name, key)):
            computed, here = _computed(name, one.values, partner.values), one.here & partner.here
            values, here = (one.values, here & computed) if filters else (computed, here)
            if not many and any((here & other.here).any() for other in made):
                raise UsageError(f"several series on the left of {name} match {shown(key)}: use group_left")
            labels = _result_labels(one, partner, key, modifier, many, filters)
            made.append(Element(labels, np.asarray(values, dtype=np.float64), here))
        found += made
    return found


def _alone(partners: Vector, name: str, key: Labels) -> Vector:
    for place, one in enumerate(partners):
        if any((one.here & other.here).any() for other in partners[:place]):
            raise UsageError(f"several series on the right of {name} match {shown(key)}")
    return partners


def _result_labels(
    one: Element, partner: Element, key: Labels, modifier: Any, many: bool, filters: bool
) -> Labels:
    if many:
        taken = list(modifier.group_labels or [])
        return tuple(sorted([*but(one.labels, [NAME, *taken]), *only(partner.labels, taken)]))
    matching = modifier.matching if modifier is not None else None
    if matching is not None and matching.type == promql.LabelModifierType.Include:
        return key
    dropped = [*(matching.labels if matching is not None else []), *([] if filters else [NAME])]
    return but(one.labels, dropped)
