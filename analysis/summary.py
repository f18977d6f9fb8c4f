"""A run in a few figures and one word: what lists and histories show of it without reading it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from analysis.compare.figures import QUANTILES
from analysis.endpoints import EndpointTable
from analysis.slo import SloJudges, steady_spans, verdict
from analysis.validity import validity
from results import Run


@dataclass(frozen=True)
class Summary:
    """`verdict` is pass, fail or inconclusive over the objectives, `valid` where the run has none, and
    `not valid` where it cannot be trusted. `figures` are of the steady part as on the page: `p50`, `p95` and
    `p99` in us, `errors` a share, `rate` requests per second; empty without requests.

    Of a capacity search: valid where a capacity is claimed, else inconclusive; `rate` in arrivals per second
    where it is claimed; and its answer in a line.
    """

    verdict: str
    figures: Mapping[str, float]
    said: str = ""


def summary_of(run: Run) -> Summary:
    """The summary of a stored run, in one pass over its intervals."""
    spans = steady_spans(run)
    table, judges = EndpointTable(spans), SloJudges(run.slos, spans, run.duration_s)
    for interval in run.intervals(end_s=spans[-1][1]):
        table.add(interval)
        judges.add(interval)
    trust = validity(run)
    found = verdict(judges.results(), trust).outcome
    word: str = found
    if not table.overall().requests or (trust.reasons and found != "fail"):
        word = "not valid"
    elif not run.slos:
        word = "valid"
    return Summary(word, _figures(table))


def _figures(table: EndpointTable) -> dict[str, float]:
    overall = table.overall()
    if not overall.requests:
        return {}
    quantiles = overall.response.quantiles_us(list(QUANTILES.values())).tolist()
    latencies = dict(zip(QUANTILES, quantiles, strict=True))
    return {**latencies, "errors": overall.error_ratio, "rate": overall.rate_per_s}
