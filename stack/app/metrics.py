"""What every process of the application tells Prometheus, and the page that says it."""

from __future__ import annotations

from prometheus_client import REGISTRY, Counter, Histogram, disable_created_metrics, generate_latest

disable_created_metrics()  # type: ignore[no-untyped-call]

TIMES_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60)
REQUESTS = Counter("app_requests", "HTTP requests; a batch is one, its route is `batch`", ["route", "status"])
DURATION = Histogram(
    "app_request_duration_seconds", "HTTP requests, the wait in line included", ["route"], buckets=TIMES_S
)


def page() -> bytes:
    """The /metrics page."""
    return generate_latest(REGISTRY)
