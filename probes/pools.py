"""Connection pools in the names that services give them: OpenTelemetry's, HikariCP's, Prisma's.

All become `pool.NAME.` and used, idle, open, max, pending, timeouts, wait_count, wait_seconds, use_seconds or
create_seconds; the histogram of waits becomes `wait_bucket.` and each upper bound in seconds. Names of
OpenTelemetry's semantic conventions for database clients are known in both spellings: of today
(`db.client.connection.count`) and of before version 1.26, in the plural (`db.client.connections.usage`, times
in ms); HikariCP's as Micrometer exports them; Prisma's up to version 6.
"""

from __future__ import annotations

from collections.abc import Mapping

from probes.probe import Reading
from results.series import Kind

PREFIXES = ("db_client_connection", "hikaricp_", "prisma_")

_TODAY = "db_client_connection_"
_BEFORE = "db_client_connections_"
_TIMES = {"wait_time": "wait", "use_time": "use", "create_time": "create"}

_Known = dict[str, tuple[str, Kind, float]]


def _times(prefix: str, units: Mapping[str, float]) -> _Known:
    """Histograms of times: their sums, by the unit in the name, and of waiting how many there were."""
    known: _Known = {}
    for time, metric in _TIMES.items():
        for unit, seconds in units.items():
            known[f"{prefix}{time}{unit}_sum"] = (f"{metric}_seconds", "counter", seconds)
            known[f"{prefix}{time}{unit}_count"] = (f"{metric}_count", "counter", 1)
    return known


def _opentelemetry(prefix: str) -> _Known:
    return {
        f"{prefix}max": ("max", "gauge", 1),
        f"{prefix}pending_requests": ("pending", "gauge", 1),
        f"{prefix}timeouts_total": ("timeouts", "counter", 1),
        f"{prefix}timeouts": ("timeouts", "counter", 1),
    }


_KNOWN: _Known = {
    **_opentelemetry(_TODAY),
    **_opentelemetry(_BEFORE),
    **_times(_TODAY, {"_seconds": 1, "": 1}),
    **_times(_BEFORE, {"_milliseconds": 0.001, "_ms": 0.001, "": 0.001}),
    "hikaricp_connections": ("open", "gauge", 1),
    "hikaricp_connections_active": ("used", "gauge", 1),
    "hikaricp_connections_idle": ("idle", "gauge", 1),
    "hikaricp_connections_max": ("max", "gauge", 1),
    "hikaricp_connections_pending": ("pending", "gauge", 1),
    "hikaricp_connections_timeout_total": ("timeouts", "counter", 1),
    "hikaricp_connections_acquire_seconds_count": ("wait_count", "counter", 1),
    "hikaricp_connections_acquire_seconds_sum": ("wait_seconds", "counter", 1),
    "hikaricp_connections_usage_seconds_sum": ("use_seconds", "counter", 1),
    "hikaricp_connections_creation_seconds_sum": ("create_seconds", "counter", 1),
    "prisma_pool_connections_busy": ("used", "gauge", 1),
    "prisma_pool_connections_idle": ("idle", "gauge", 1),
    "prisma_pool_connections_open": ("open", "gauge", 1),
    "prisma_client_queries_wait": ("pending", "gauge", 1),
    "prisma_client_queries_wait_histogram_ms_count": ("wait_count", "counter", 1),
    "prisma_client_queries_wait_histogram_ms_sum": ("wait_seconds", "counter", 0.001),
}
_BUCKETS = {
    f"{_TODAY}wait_time_seconds_bucket": 1.0,
    f"{_TODAY}wait_time_bucket": 1.0,
    f"{_BEFORE}wait_time_milliseconds_bucket": 0.001,
    f"{_BEFORE}wait_time_ms_bucket": 0.001,
    f"{_BEFORE}wait_time_bucket": 0.001,
    "hikaricp_connections_acquire_seconds_bucket": 1.0,
    "prisma_client_queries_wait_histogram_ms_bucket": 0.001,
}
_STATES = {f"{_TODAY}count": "db_client_connection_state", f"{_BEFORE}usage": "state"}
_NAMES = ("db_client_connection_pool_name", "pool_name", "pool")


def pool_reading(name: str, labels: Mapping[str, str], value: float) -> Reading | None:
    """A metric as a pool's figure; None for one that is none. Dots in names are underscores here."""
    pool = next((labels[label] for label in _NAMES if labels.get(label)), "pool")
    if name in _STATES:
        return Reading(f"pool.{pool}.{labels.get(_STATES[name]) or labels.get('state') or 'used'}", value)
    if name in _BUCKETS and "le" in labels:
        bound_s = float(labels["le"]) * _BUCKETS[name]
        return Reading(f"pool.{pool}.wait_bucket.{bound_s:g}", value, "counter")
    if name in _KNOWN:
        metric, kind, factor = _KNOWN[name]
        return Reading(f"pool.{pool}.{metric}", value * factor, kind)
    return None
