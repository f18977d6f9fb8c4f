"""A duel's findings in words."""

from __future__ import annotations

from analysis.compare.causes import Cause
from analysis.compare.figures import OVERALL
from analysis.compare.words import RESPONSE, describe, show_change, worst
from analysis.duel.result import DuelResult


def duel_sentence(result: DuelResult) -> str:
    """The verdict, with the figure it rests on and the first cause, in one or two sentences."""
    if not result.comparisons:
        return "Cannot tell: the runs have no figure in common."
    words = {"fail": _failed, "pass": _passed, "inconclusive": _unclear}[result.verdict](result)
    return " ".join([words, *(_begun(cause) for cause in result.causes[:1])])


def _begun(cause: Cause) -> str:
    """A cause as a sentence of its own; an endpoint's name keeps its small letter."""
    return cause.text if cause.kind == "endpoint" else cause.text[:1].upper() + cause.text[1:]


def _failed(result: DuelResult) -> str:
    found = worst(result.comparisons)
    overall = [c for c in found if c.endpoint == OVERALL and c.metric in RESPONSE]
    single = [c for c in found if c.endpoint != OVERALL and c.metric in RESPONSE]
    headline = next((c for c in overall if c.metric == "typical"), overall[0] if overall else None)
    if headline is None:
        first = single[0] if single else found[0]
        return f"Worse: {describe(first)}."
    # The only endpoint there is says nothing that the whole does not.
    several = len({c.endpoint for c in result.comparisons if c.metric in RESPONSE} - {OVERALL}) > 1
    rest = f"; most of all {describe(single[0])}" if single and several else ""
    return f"Worse: {describe(headline)}{rest}."


def _passed(result: DuelResult) -> str:
    headline = next(c for c in result.comparisons if c.endpoint == OVERALL and c.metric == "typical")
    limit = show_change(headline.margin, headline.is_ratio)
    better = headline.high < 0
    return f"{'Better' if better else 'Not worse'}: {describe(headline)}; {limit} or more is excluded."


def _unclear(result: DuelResult) -> str:
    named = {c.metric: c for c in result.comparisons if c.endpoint == OVERALL and c.verdict == "inconclusive"}
    headline = next((named[name] for name in ("typical", "errors") if name in named), result.comparisons[0])
    more = result.more_pairs
    advice = (
        "no reasonable number of pairs would make it clear"
        if more is None
        else f"about {more} more pairs would"
    )
    return f"Cannot tell after {result.pairs} pairs: {describe(headline)}; {advice}."
