"""What the application tells Prometheus; pools in OpenTelemetry's names."""

from __future__ import annotations

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

disable_created_metrics()  # type: ignore[no-untyped-call]

_TIMES = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60)
_POOL = ["db_client_connection_pool_name"]

POOL_COUNT = Gauge("db_client_connection_count", "Connections", [*_POOL, "db_client_connection_state"])
POOL_MAX = Gauge("db_client_connection_max", "Most connections that the pool opens", _POOL)
POOL_PENDING = Gauge("db_client_connection_pending_requests", "Requests waiting for a connection", _POOL)
POOL_TIMEOUTS = Counter("db_client_connection_timeouts", "Waits that ended without a connection", _POOL)
POOL_WAIT = Histogram(
    "db_client_connection_wait_time_seconds", "Wait for a connection", _POOL, buckets=_TIMES
)
POOL_USE = Histogram(
    "db_client_connection_use_time_seconds", "Time a connection was held", _POOL, buckets=_TIMES
)
POOL_CREATE = Histogram(
    "db_client_connection_create_time_seconds", "Time to open a connection", _POOL, buckets=_TIMES
)

_HITS = Counter("app_cache_hits", "Found in the cache", ["cache"])
_MISSES = Counter("app_cache_misses", "Not found in the cache", ["cache"])
_SETS = Counter("app_cache_sets", "Put into the cache", ["cache"])
_INVALIDATIONS = Counter("app_cache_invalidations", "Times a write or sign-out made entries void", ["cache"])
QUERY_HITS, SESSION_HITS = _HITS.labels("query"), _HITS.labels("session")
QUERY_MISSES, SESSION_MISSES = _MISSES.labels("query"), _MISSES.labels("session")
QUERY_SETS, SESSION_SETS = _SETS.labels("query"), _SETS.labels("session")
QUERY_INVALIDATIONS, SESSION_INVALIDATIONS = _INVALIDATIONS.labels("query"), _INVALIDATIONS.labels("session")

REQUESTS = Counter("app_requests", "HTTP requests; a batch is one, its route is `batch`", ["route", "status"])
DURATION = Histogram(
    "app_request_duration_seconds", "HTTP requests, the wait in line included", ["route"], buckets=_TIMES
)
CALLS = Counter("app_procedure_calls", "Procedures run, those in batches one by one", ["procedure", "code"])
CALL_DURATION = Histogram(
    "app_procedure_duration_seconds", "Time in a procedure", ["procedure"], buckets=_TIMES
)
WORKERS_MAX = Gauge("app_workers_max", "Requests worked on at a time, at most")
WORKERS_USED = Gauge("app_workers_used", "Requests being worked on")
WORKERS_PENDING = Gauge("app_workers_pending", "Requests waiting for their turn")
WORKERS_WAIT = Histogram("app_workers_wait_seconds", "Wait for a turn", buckets=_TIMES)

JOBS_ENQUEUED = Counter("app_jobs_enqueued", "Jobs put into the queue")
JOBS_QUEUED = Gauge("app_jobs_queued", "Jobs waiting")
JOBS_LATER = Gauge("app_jobs_later", "Jobs that failed and wait for another attempt")
JOBS_DEAD_KEPT = Gauge("app_jobs_dead_kept", "Jobs given up, kept for a look")
JOBS_DONE = Counter("app_jobs_done", "Jobs finished")
JOBS_RETRIED = Counter("app_jobs_retried", "Job attempts that failed and will be tried again")
JOBS_DEAD = Counter("app_jobs_dead", "Jobs given up")
JOB_START = Histogram("app_job_start_seconds", "From enqueued to started", buckets=_TIMES)
JOB_FINISH = Histogram("app_job_finish_seconds", "From enqueued to finished", buckets=_TIMES)


def page() -> bytes:
    """The /metrics page."""
    return generate_latest(REGISTRY)
