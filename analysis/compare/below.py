"""What changed below the requests: SQL statements and connection pools, by the time they add to a request."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from analysis.compare.facts import DigestCost, PoolUse
from analysis.compare.figures import Figures
from results.units import show_latency, three_digits

_COLUMNS = re.compile(r"^SELECT .*? FROM ", re.IGNORECASE)
LEAST_STATEMENT_US = 25.0
LEAST_WAIT_US = 50.0


class Share(NamedTuple):
    """One statement's part of the database's time on both sides, 0 to 1, and its cost a request."""

    text: str
    share: tuple[float, float]
    calls: tuple[float, float]
    us_per_call: tuple[float, float]
    rows_per_call: tuple[float, float]


class Below(NamedTuple):
    """One statement or pool that costs the candidate's requests more; `added_us` a request."""

    subject: str
    text: str
    added_us: float


def statements_below(baseline: Sequence[Figures], candidate: Sequence[Figures]) -> list[Below]:
    """Statements whose time a request grew by a tenth or more: called more often, or slower each time."""
    texts = sorted({text for one in [*baseline, *candidate] for text in one.digests})
    found = []
    for text in texts:
        before, after = _digest(baseline, text), _digest(candidate, text)
        added_us = after.time_us - before.time_us
        if added_us > max(LEAST_STATEMENT_US, 0.1 * before.time_us):
            found.append(Below(text, _statement_words(before, after), added_us))
    return found


def statement_shares(baseline: Sequence[Figures], candidate: Sequence[Figures], most: int = 8) -> list[Share]:
    """The statements whose time a request changed most, with their part of all statements' time."""
    texts = sorted({text for one in [*baseline, *candidate] for text in one.digests})
    sides = [[_digest(side, text) for text in texts] for side in (baseline, candidate)]
    totals = [sum(cost.time_us for cost in side) or 1.0 for side in sides]
    pairs = sorted(zip(*sides, strict=True), key=lambda pair: -abs(pair[1].time_us - pair[0].time_us))
    return [
        Share(
            before.text,
            (before.time_us / totals[0], after.time_us / totals[1]),
            (before.calls, after.calls),
            (before.us_per_call, after.us_per_call),
            (before.rows_per_call, after.rows_per_call),
        )
        for before, after in pairs[:most]
    ]


def pools_below(baseline: Sequence[Figures], candidate: Sequence[Figures]) -> list[Below]:
    """Pools that requests wait for at least half as long again."""
    found = []
    for name in sorted({name for one in candidate for name in one.pools}):
        before, after = _pool(baseline, name), _pool(candidate, name)
        added_us = after.wait_us - before.wait_us
        if added_us > max(LEAST_WAIT_US, 0.5 * before.wait_us):
            changed = round(before.size) not in (0, round(after.size))
            was = f" (the baseline has {before.size:.0f})" if changed else ""
            text = (
                f"requests wait {show_latency(after.wait_us)} on average for a connection of the {name} pool,"
                f" up from {show_latency(before.wait_us)}, {after.used:.1f} of {after.size:.0f} in use{was}."
            )
            found.append(Below(name, text, added_us))
    return found


def _digest(side: Sequence[Figures], text: str) -> DigestCost:
    """A statement's mean cost over the runs of one side."""
    nothing = DigestCost(text, 0.0, 0.0, 0.0, 0.0)
    costs = [one.digests.get(text, nothing) for one in side]
    table = np.array([[c.calls, c.time_us, c.rows_examined, c.no_index] for c in costs])
    return DigestCost(text, *table.mean(axis=0).tolist())


def _pool(side: Sequence[Figures], name: str) -> PoolUse:
    """A pool's mean use over the runs of one side; of size 0 where the side has no such pool."""
    uses = [one.pools[name] for one in side if name in one.pools]
    if not uses:
        return PoolUse(name, 0.0, 0.0, 0.0, 0.0)
    table = np.array([[use.size, use.used, use.wait_us, use.timeouts] for use in uses])
    return PoolUse(name, *table.mean(axis=0).tolist())


def _statement_words(before: DigestCost, after: DigestCost) -> str:
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
