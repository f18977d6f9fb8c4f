"""A service's own /metrics page: pools in OpenTelemetry's, HikariCP's or Prisma's names, caches, jobs."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from probes.probe import ProbeError, Reading
from results.run import Kind

_LINE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

_POOL: dict[str, tuple[str, Kind]] = {
    "db_client_connection_max": ("max", "gauge"),
    "db_client_connection_pending_requests": ("pending", "gauge"),
    "db_client_connection_timeouts_total": ("timeouts", "counter"),
    "db_client_connection_wait_time_seconds_count": ("wait_count", "counter"),
    "db_client_connection_wait_time_seconds_sum": ("wait_seconds", "counter"),
    "db_client_connection_use_time_seconds_sum": ("use_seconds", "counter"),
    "hikaricp_connections_active": ("used", "gauge"),
    "hikaricp_connections_max": ("max", "gauge"),
    "hikaricp_connections_pending": ("pending", "gauge"),
    "hikaricp_connections_timeout_total": ("timeouts", "counter"),
    "hikaricp_connections_acquire_seconds_count": ("wait_count", "counter"),
    "hikaricp_connections_acquire_seconds_sum": ("wait_seconds", "counter"),
    "prisma_pool_connections_busy": ("used", "gauge"),
    "prisma_pool_connections_open": ("open", "gauge"),
    "prisma_client_queries_wait": ("pending", "gauge"),
}
_OTHER: dict[str, tuple[str, Kind]] = {
    "app_workers_used": ("workers.used", "gauge"),
    "app_workers_max": ("workers.max", "gauge"),
    "app_workers_pending": ("workers.pending", "gauge"),
    "app_jobs_queued": ("jobs.queued", "gauge"),
    "app_jobs_done_total": ("jobs.done", "counter"),
    "app_jobs_retried_total": ("jobs.retried", "counter"),
    "app_jobs_dead_total": ("jobs.dead", "counter"),
    "app_job_start_seconds_count": ("jobs.start_count", "counter"),
    "app_job_start_seconds_sum": ("jobs.start_seconds", "counter"),
    "app_job_finish_seconds_sum": ("jobs.finish_seconds", "counter"),
}
_CACHE = {
    "app_cache_hits_total": "hits",
    "app_cache_misses_total": "misses",
    "app_cache_invalidations_total": "invalidations",
}


class AppProbe:
    """One instance's metrics page over a connection that stays open."""

    def __init__(self, tier: str, instance: str, metrics_url: str) -> None:
        self.tier = tier
        self.instance = instance
        self._url = urlsplit(metrics_url)
        self._connection: http.client.HTTPConnection | None = None

    def sample(self) -> list[Reading]:
        """What it says now. Raises ProbeError."""
        text = self._fetch()
        readings = list(readings_from(text))
        if not readings and not any(_LINE.match(line) for line in text.splitlines()):
            raise ProbeError(f"{self._url.path} of {self.instance} is not a Prometheus page")
        return readings

    def _fetch(self) -> str:
        for attempt in (1, 2):
            try:
                if self._connection is None:
                    kind = (
                        http.client.HTTPSConnection
                        if self._url.scheme == "https"
                        else http.client.HTTPConnection
                    )
                    self._connection = kind(self._url.hostname or "", self._url.port, timeout=2)
                self._connection.request("GET", self._url.path or "/metrics")
                answer = self._connection.getresponse()
                body = answer.read(4_000_000)
            except (OSError, http.client.HTTPException) as problem:
                self.close()
                # A kept connection may have been closed while idle: one fresh try tells.
                if attempt == 2 or isinstance(problem, ConnectionRefusedError | TimeoutError):
                    raise ProbeError(f"{self.instance}'s metrics page: {problem}") from problem
                continue
            if answer.status != 200:
                raise ProbeError(f"{self.instance}'s metrics page answers {answer.status}")
            return body.decode(errors="replace")
        raise ProbeError(f"{self.instance}'s metrics page cannot be read")

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def readings_from(text: str) -> Iterator[Reading]:
    """The figures that the harness knows, in a metrics page's text."""
    for line in text.splitlines():
        if not line.startswith(("db_client", "hikaricp", "prisma_", "app_")):
            continue
        found = _LINE.match(line)
        if found is None:
            continue
        name, labels, value = found[1], dict(_LABEL.findall(found[2] or "")), float(found[3])
        pool = labels.get("db_client_connection_pool_name") or labels.get("pool") or "pool"
        if name == "db_client_connection_count":
            yield Reading(f"pool.{pool}.{labels.get('db_client_connection_state', 'used')}", value)
        elif name in _POOL:
            metric, kind = _POOL[name]
            yield Reading(f"pool.{pool}.{metric}", value, kind)
        elif name in _CACHE:
            yield Reading(f"cache.{labels.get('cache', 'cache')}.{_CACHE[name]}", value, "counter")
        elif name in _OTHER:
            metric, kind = _OTHER[name]
            yield Reading(metric, value, kind)
