"""What the application tells Prometheus; pools in OpenTelemetry's names."""

from __future__ import annotations

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, generate_latest

_WAITS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60)
_POOL = ["db_client_connection_pool_name"]

POOL_COUNT = Gauge("db_client_connection_count", "Connections", [*_POOL, "db_client_connection_state"])
POOL_MAX = Gauge("db_client_connection_max", "Most connections that the pool opens", _POOL)
POOL_PENDING = Gauge("db_client_connection_pending_requests", "Requests waiting for a connection", _POOL)
POOL_TIMEOUTS = Counter("db_client_connection_timeouts", "Waits that ended without a connection", _POOL)
POOL_WAIT = Histogram("db_client_connection_wait_time_seconds", "Wait for a connection", _POOL, buckets=_WAITS)
POOL_USE = Histogram("db_client_connection_use_time_seconds", "Time a connection was held", _POOL, buckets=_WAITS)

CACHE_HITS = Counter("app_cache_hits", "Found in the cache", ["cache"])
CACHE_MISSES = Counter("app_cache_misses", "Not found in the cache", ["cache"])
CACHE_INVALIDATIONS = Counter("app_cache_invalidations", "Entries made void by a write", ["cache"])

REQUESTS = Counter("app_requests", "Requests", ["route", "status"])
WORKERS_MAX = Gauge("app_workers_max", "Requests worked on at a time, at most")
WORKERS_USED = Gauge("app_workers_used", "Requests being worked on")
WORKERS_PENDING = Gauge("app_workers_pending", "Requests waiting for their turn")

JOBS_QUEUED = Gauge("app_jobs_queued", "Jobs waiting")
JOBS_DONE = Counter("app_jobs_done", "Jobs finished")
JOBS_RETRIED = Counter("app_jobs_retried", "Job attempts that failed and will be tried again")
JOBS_DEAD = Counter("app_jobs_dead", "Jobs given up")
JOB_START = Histogram("app_job_start_seconds", "From enqueued to started", buckets=_WAITS)
JOB_FINISH = Histogram("app_job_finish_seconds", "From enqueued to finished", buckets=_WAITS)


def page() -> bytes:
    """The /metrics page."""
    return generate_latest(REGISTRY)
