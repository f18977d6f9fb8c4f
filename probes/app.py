"""A service's own /metrics page: pools in OpenTelemetry's, HikariCP's or Prisma's names, caches, jobs."""

from __future__ import annotations

import re
import ssl
from collections import Counter
from collections.abc import Iterator

from probes.pages import Page
from probes.pools import PREFIXES, pool_reading
from probes.probe import ProbeError, Reading
from results.series import Kind

_NUMBER = r"(?P<value>[+-]?(?:\d[\d.eE+-]*|Inf|NaN))"
# A name that is no identifier, such as one with dots, stands quoted inside the braces.
_LINE = re.compile(
    rf"""^(?:(?P<name>[a-zA-Z_:][\w:]*)(?:\{{(?P<labels>.*)\}})?|\{{"(?P<quoted>[^"]+)"(?P<more>.*)\}})\s+{_NUMBER}"""
)
_LABEL = re.compile(r'(?:(\w+)|"([^"]+)")="((?:[^"\\]|\\.)*)"')
_WANTED = (*PREFIXES, *('{"' + prefix.replace("_", ".") for prefix in PREFIXES), "app_")

_OTHER: dict[str, tuple[str, Kind]] = {
    "app_workers_used": ("workers.used", "gauge"),
    "app_workers_max": ("workers.max", "gauge"),
    "app_workers_pending": ("workers.pending", "gauge"),
    "app_jobs_queued": ("jobs.queued", "gauge"),
    "app_jobs_done_total": ("jobs.done", "counter"),
    "app_jobs_later": ("jobs.later", "gauge"),
    "app_jobs_dead_kept": ("jobs.dead_kept", "gauge"),
    "app_jobs_retried_total": ("jobs.retried", "counter"),
    "app_jobs_dead_total": ("jobs.dead", "counter"),
    "app_job_start_seconds_count": ("jobs.start_count", "counter"),
    "app_job_start_seconds_sum": ("jobs.start_seconds", "counter"),
    "app_job_finish_seconds_sum": ("jobs.finish_seconds", "counter"),
}
_BY_ROUTE = {
    "app_render_seconds_count": "render_count",
    "app_render_seconds_sum": "render_seconds",
    "app_below_seconds_sum": "below_seconds",
}
_CACHE = {
    "app_cache_hits_total": "hits",
    "app_cache_misses_total": "misses",
    "app_cache_invalidations_total": "invalidations",
}


class AppProbe:
    """One instance's metrics page over a connection that stays open."""

    def __init__(self, tier: str, instance: str, metrics_url: str, tls: ssl.SSLContext | None = None) -> None:
        self.tier = tier
        self.instance = instance
        self.calls: Counter[str] = Counter()
        self._page = Page(f"{instance}'s metrics page", metrics_url, tls)

    def sample(self) -> list[Reading]:
        """What it says now. Raises ProbeError."""
        self.calls[self.tier] += 1
        text = self._page.text()
        readings = list(readings_from(text))
        if not readings and not any(_LINE.match(line) for line in text.splitlines()):
            raise ProbeError(f"{self._page.what} is not a Prometheus page")
        return readings

    def close(self) -> None:
        """Close the connection."""
        self._page.close()


def readings_from(text: str) -> Iterator[Reading]:
    """The figures that the harness knows, in a metrics page's text."""
    for line in text.splitlines():
        if not line.startswith(_WANTED):
            continue
        found = _LINE.match(line)
        if found is None:
            continue
        name = (found["name"] or found["quoted"]).replace(".", "_")
        labels = {
            (plain or quoted).replace(".", "_"): value
            for plain, quoted, value in _LABEL.findall(found["labels"] or found["more"] or "")
        }
        reading = _reading(name, labels, float(found["value"]))
        if reading is not None:
            yield reading


def _reading(name: str, labels: dict[str, str], value: float) -> Reading | None:
    if name in _CACHE:
        return Reading(f"cache.{labels.get('cache', 'cache')}.{_CACHE[name]}", value, "counter")
    if name in _BY_ROUTE:
        return Reading(f"{_BY_ROUTE[name]}.{labels.get('route', '')}", value, "counter")
    if name == "app_cache_class_lookups_total":
        result = "hits" if labels.get("result") == "hit" else "misses"
        return Reading(f"cache_class.{labels.get('key_class', '')}.{result}", value, "counter")
    if name == "app_cache_class_seconds_sum":
        return Reading(f"cache_class.{labels.get('key_class', '')}.seconds", value, "counter")
    if name in _OTHER:
        metric, kind = _OTHER[name]
        return Reading(metric, value, kind)
    return pool_reading(name, labels, value)
