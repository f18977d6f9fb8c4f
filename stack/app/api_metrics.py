"""What an API instance tells Prometheus beside its requests; pools in OpenTelemetry's names."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram, Summary

from stack.app.metrics import TIMES_S

_POOL = ["db_client_connection_pool_name"]

POOL_COUNT = Gauge("db_client_connection_count", "Connections", [*_POOL, "db_client_connection_state"])
POOL_MAX = Gauge("db_client_connection_max", "Most connections that the pool opens", _POOL)
POOL_PENDING = Gauge("db_client_connection_pending_requests", "Requests waiting for a connection", _POOL)
POOL_TIMEOUTS = Counter("db_client_connection_timeouts", "Waits that ended without a connection", _POOL)
POOL_WAIT = Histogram(
    "db_client_connection_wait_time_seconds", "Wait for a connection", _POOL, buckets=TIMES_S
)
POOL_USE = Histogram(
    "db_client_connection_use_time_seconds", "Time a connection was held", _POOL, buckets=TIMES_S
)
POOL_CREATE = Histogram(
    "db_client_connection_create_time_seconds", "Time to open a connection", _POOL, buckets=TIMES_S
)

_HITS = Counter("app_cache_hits", "Found in the cache", ["cache"])
_MISSES = Counter("app_cache_misses", "Not found in the cache", ["cache"])
_SETS = Counter("app_cache_sets", "Put into the cache", ["cache"])
_INVALIDATIONS = Counter("app_cache_invalidations", "Times a write or sign-out made entries void", ["cache"])
QUERY_HITS, SESSION_HITS = _HITS.labels("query"), _HITS.labels("session")
QUERY_MISSES, SESSION_MISSES = _MISSES.labels("query"), _MISSES.labels("session")
QUERY_SETS, SESSION_SETS = _SETS.labels("query"), _SETS.labels("session")
QUERY_INVALIDATIONS, SESSION_INVALIDATIONS = _INVALIDATIONS.labels("query"), _INVALIDATIONS.labels("session")

CLASS_LOOKUPS = Counter(
    "app_cache_class_lookups", "Lookups in the query cache by what was cached", ["key_class", "result"]
)
CLASS_TIME = Summary(
    "app_cache_class_seconds", "Time of a lookup, on a miss with reading and storing anew", ["key_class"]
)

CALLS = Counter("app_procedure_calls", "Procedures run, those in batches one by one", ["procedure", "code"])
CALL_DURATION = Histogram(
    "app_procedure_duration_seconds", "Time in a procedure", ["procedure"], buckets=TIMES_S
)

JOBS_ENQUEUED = Counter("app_jobs_enqueued", "Jobs put into the queue")
