"""A run's figures, and a gate's answer, as plain data: what the pages say, as numbers."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from analysis.endpoints import EndpointTotal
from analysis.gate import GateResult
from analysis.slo import SloResult
from reports.run_data import RunReport
from reports.sections.answer import answer

if TYPE_CHECKING:
    from analysis.capacity import Review

_QUANTILES = {"p50": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}


def run_json(report: RunReport) -> str:
    """The data as JSON; what is not known is null, as JSON has no nan."""
    return json.dumps(_known(run_data(report)), indent=1, default=str, allow_nan=False)


def gate_json(result: GateResult) -> str:
    """A gate's answer as JSON."""
    return json.dumps(_known(result.as_dict()), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def capacity_json(report: RunReport, told: Review) -> str:
    """The answer of a capacity search as JSON, and under `run` what was measured in the whole of it."""
    data = told.to_dict() | {"run": measured(report)}
    return json.dumps(_known(data), indent=1, default=str, allow_nan=False)


def run_data(report: RunReport) -> dict[str, Any]:
    """What was measured and the verdict on it."""
    told = answer(report)
    verdict = {
        "verdict": report.verdict.outcome if report.overall.requests else "inconclusive",
        "sentence": told.sentence,
        "why": told.why,
        "advice": told.advice,
        "doubts": [asdict(reason) for reason in report.doubts],
        "objectives": [_objective(one) for one in report.objectives],
    }
    return measured(report) | verdict


def measured(report: RunReport) -> dict[str, Any]:
    """Latencies in us, rates per second, shares 0 to 1; all of the steady part."""
    run = report.run
    return {
        "run": run.id,
        "kind": run.kind,
        "state": run.state,
        "scenario": run.scenario,
        "target": run.target,
        "started_at": run.started_at.isoformat(),
        "duration_s": run.duration_s,
        "steady_spans_s": report.spans,
        "stages": run.stages.text if run.stages else None,
        "arrivals": asdict(run.account) | {"missing": run.account.missing},
        "asked_per_s": report.asked_per_s,
        "finished_per_s": report.finished_per_s,
        "overall": _total(report.overall),
        "endpoints": [_total(total) for total in report.table.rows],
        "setup": [_total(total) for total in report.table.setup_rows],
        "errors": [
            {
                "endpoint": e.endpoint.name,
                "kind": e.kind,
                "count": e.count,
                "first_s": e.first_s,
                "sample": e.sample,
            }
            for e in report.table.error_rows
        ],
        "rate_curve": [asdict(point) for point in report.curve],
        "tiers": {
            panel.tier: [
                {"name": f.name, "value": f.value, "unit": f.unit, "of": f.of, "full": f.is_full}
                for f in panel.figures
            ]
            for panel in report.panels
        },
        "not_watched": [title for title, _ in report.blind],
        "caches": [asdict(level) | {"hit_ratio": level.hit_ratio} for level in report.caches],
        "gaps": [asdict(gap) for gap in run.gaps],
        "environment": run.environment,
    }


def _objective(one: SloResult) -> dict[str, Any]:
    return asdict(one) | {"slo": one.slo.text, "limit": one.slo.limit, "margin": one.margin}


def _total(total: EndpointTotal) -> dict[str, Any]:
    return {
        "name": total.endpoint.name,
        "kind": total.endpoint.kind,
        "requests": total.requests,
        "rate_per_s": total.rate_per_s,
        "failed": total.failed,
        "error_ratio": total.error_ratio,
        "mean_bytes": total.mean_bytes,
        "response_us": {name: total.response.quantile_us(q) for name, q in _QUANTILES.items()}
        | {"mean": total.response.mean_us, "max": total.response.max_us},
        "service_us": {name: total.service.quantile_us(q) for name, q in _QUANTILES.items()},
        "parts_ms": total.mean_parts_ms(),
    }


def _known(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _known(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_known(inner) for inner in value]
    return value
