"""A statement, and what changed about it, in words."""

from __future__ import annotations

import re

from analysis.compare.facts import DigestCost
from results.units import show_latency, three_digits

_COLUMNS = re.compile(r"^SELECT (?:(?!SELECT ).)*? FROM ", re.IGNORECASE)
"""Up to the table that is read, where no other statement stands before it."""


def statement_words(before: DigestCost, after: DigestCost) -> str:
    """Whether it is called more often or takes longer each time, what it reads more, and its text."""
    named = f"'{short_statement(after.text)}'"
    more = after.calls - before.calls
    # What the further calls cost at the old price, against what the new price adds to each call.
    by_calls_us = more * (before.us_per_call if before.calls else after.us_per_call)
    by_price_us = after.time_us - before.time_us - by_calls_us
    if by_calls_us > by_price_us:
        verb = (after.text.split(maxsplit=1) or ["call"])[0].upper()
        return f"the candidate makes {three_digits(more)} more {verb}s per request: {named}."
    slower = (
        f"each call takes {show_latency(after.us_per_call)} instead of {show_latency(before.us_per_call)}"
    )
    return f"{slower}{_rows_words(before, after)}: {named}."


def _rows_words(before: DigestCost, after: DigestCost) -> str:
    """What a statement reads more, and whether that looks like an index that is gone."""
    many, few = after.rows_per_call, before.rows_per_call
    if after.no_index > 0.5 * after.calls and before.no_index < 0.5 * before.calls:
        why = ", using no index where the baseline used one"
    elif many > 10 * few + 100:
        why = ", as if an index were missing"
    else:
        why = ""
    if many <= 1.5 * few + 1:
        return why
    return f" and examines {three_digits(many)} rows instead of {three_digits(few)}{why}"


def short_statement(text: str, most: int = 110) -> str:
    """A statement in one line without quotes; where it is long, without its columns, and then cut."""
    flat = " ".join(text.replace("`", "").split())
    if len(flat) > most:
        flat = _COLUMNS.sub("SELECT … FROM ", flat, count=1)
    return flat if len(flat) <= most else flat[: most - 1] + "…"
