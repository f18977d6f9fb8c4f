"""The answer of a capacity search as it was stored with its run."""

from __future__ import annotations

from typing import Any

from analysis.capacity import Capacity, LevelPoint, Review, SloLimit, review
from results import HarnessError, Run, Slo, parse_slos

_DERIVED = ("claim", "recoveries", "confirmed", "confirmed_per_s")
"""Stored for whoever reads it, and said by the rest; `confirmed` is of earlier versions."""


def stored_capacity(run: Run) -> Capacity | None:
    """The answer kept in run.db; None where the search was killed before it had one.

    Raises HarnessError on an answer that cannot be read.
    """
    try:
        plain = run.info.get("capacity")
        return None if plain is None else _capacity(plain)
    except (AttributeError, ValueError, KeyError, TypeError) as damage:
        raise HarnessError(
            f"the answer of {run.id} cannot be read ({damage}): run the search again"
        ) from damage


def stored_review(run: Run) -> Review | None:
    """The whole answer of a stored search; None where it was killed before. Raises HarnessError."""
    found = stored_capacity(run)
    return None if found is None else review(run, found)


def _capacity(plain: dict[str, Any]) -> Capacity:
    """The inverse of Capacity.to_dict."""
    told = {name: value for name, value in plain.items() if name not in _DERIVED}
    limits = tuple(SloLimit(**{**limit, "slo": _slo(limit["slo"])}) for limit in told["limits"])
    points = {name: _point(told[name]) if told[name] else None for name in ("last_pass", "first_fail")}
    first_hit = _slo(told["first_hit"]) if told["first_hit"] else None
    levels = tuple(_point(level) for level in told["levels"])
    return Capacity(**{**told, **points, "limits": limits, "first_hit": first_hit, "levels": levels})


def _point(plain: dict[str, Any]) -> LevelPoint:
    return LevelPoint(**{**plain, "shares": tuple(plain["shares"]), "problems": tuple(plain["problems"])})


def _slo(text: str) -> Slo:
    (found,) = parse_slos(text)
    return found
