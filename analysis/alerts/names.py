"""The names under which the usual exporters tell what the harness stores: rules in use work as they are.

Of mysqld_exporter, redis_exporter and HAProxy's own page, and of OpenTelemetry's connection pools.
"""

from __future__ import annotations

from collections.abc import Iterator

from analysis.alerts.vector import NAME, Labels, labels_of
from results import Series

_MYSQL = {
    "connections": "mysql_global_status_threads_connected",
    "threads_running": "mysql_global_status_threads_running",
    "connections_max": "mysql_global_variables_max_connections",
    "questions": "mysql_global_status_questions",
    "slow_queries": "mysql_global_status_slow_queries",
    "row_lock_waits": "mysql_global_status_innodb_row_lock_waits",
    "row_lock_time_ms": "mysql_global_status_innodb_row_lock_time",
    "row_lock_current_waits": "mysql_global_status_innodb_row_lock_current_waits",
    "buffer_pool_reads": "mysql_global_status_innodb_buffer_pool_reads",
    "buffer_pool_read_requests": "mysql_global_status_innodb_buffer_pool_read_requests",
    "seconds_behind": "mysql_slave_status_seconds_behind_master",
    "io_running": "mysql_slave_status_slave_io_running",
    "sql_running": "mysql_slave_status_slave_sql_running",
}
_REDIS = {
    "hits": "redis_keyspace_hits_total",
    "misses": "redis_keyspace_misses_total",
    "evictions": "redis_evicted_keys_total",
    "expired": "redis_expired_keys_total",
    "memory_bytes": "redis_memory_used_bytes",
    "memory_max_bytes": "redis_memory_max_bytes",
    "clients": "redis_connected_clients",
    "clients_blocked": "redis_blocked_clients",
    "rejected": "redis_rejected_connections_total",
    "ops": "redis_commands_processed_total",
}
_HAPROXY = {
    "sessions": "current_sessions",
    "sessions_limit": "limit_sessions",
    "queue": "current_queue",
    "retries": "retry_warnings_total",
    "redispatches": "redispatch_warnings_total",
    "connect_errors": "connection_errors_total",
}
_POOL = {
    "max": "db_client_connection_max",
    "pending": "db_client_connection_pending_requests",
    "timeouts": "db_client_connection_timeouts_total",
    "wait_count": "db_client_connection_wait_time_seconds_count",
    "wait_seconds": "db_client_connection_wait_time_seconds_sum",
}
_POOL_NAME, _POOL_STATE = "db_client_connection_pool_name", "db_client_connection_state"


def exporter_names(series: Series) -> Iterator[Labels]:
    """The labels, name included, under which an exporter would tell a series; none where it is not usual."""
    common = [("tier", series.tier), ("instance", series.instance)]
    if series.tier in ("primary", "replica") and series.metric in _MYSQL:
        yield labels_of([(NAME, _MYSQL[series.metric]), *common])
    elif series.tier == "redis" and series.metric in _REDIS:
        yield labels_of([(NAME, _REDIS[series.metric]), *common])
    elif series.tier == "lb":
        yield from _haproxy(series)
    elif series.metric.startswith("pool."):
        yield from _pool(series)


def _haproxy(series: Series) -> Iterator[Labels]:
    first, _, last = series.instance.partition("/")
    scope = first if first in ("frontend", "backend") else "server"
    proxy = [("proxy", last)] if scope != "server" else [("proxy", first), ("server", last)]
    if series.metric in _HAPROXY and last:
        yield labels_of([(NAME, f"haproxy_{scope}_{_HAPROXY[series.metric]}"), ("tier", "lb"), *proxy])
    elif series.metric == "up" and last:
        yield labels_of([(NAME, "haproxy_server_status"), ("state", "UP"), ("tier", "lb"), *proxy])


def _pool(series: Series) -> Iterator[Labels]:
    _, pool, metric = [*series.metric.split(".", 2), ""][:3]
    common = [("tier", series.tier), ("instance", series.instance), (_POOL_NAME, pool)]
    if metric in ("used", "idle"):
        yield labels_of([(NAME, "db_client_connection_count"), (_POOL_STATE, metric), *common])
    elif metric.startswith("wait_bucket."):
        bound = metric.removeprefix("wait_bucket.")
        le = ("le", "+Inf" if bound == "inf" else bound)
        yield labels_of([(NAME, "db_client_connection_wait_time_seconds_bucket"), le, *common])
    elif metric in _POOL:
        yield labels_of([(NAME, _POOL[metric]), *common])
