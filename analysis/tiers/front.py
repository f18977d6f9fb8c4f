"""The load balancer and the web instances behind it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from analysis.tiers.panel import Panel, Track, Unit
from analysis.tiers.process import process

_SERVER_COLUMNS: list[tuple[str, Unit]] = [
    ("Share", "ratio"),
    ("Requests", "per_s"),
    ("Response, mean", "ms"),
    ("5xx", "count"),
    ("Connect errors", "count"),
    ("Retries", "count"),
    ("Redispatches", "count"),
    ("Up", "ratio"),
]
_FAR_FROM_FULL = 0.05


def load_balancer(panel: Panel) -> None:
    """HAProxy's frontends, backends and servers are instances of their own; backends sum their servers up."""
    samples = panel.samples
    panel.lead = (
        "How evenly the servers were used, and what waited or was sent twice. A retry went to the same server"
        " again, a redispatch to another one."
    )
    panel.highest("Connections, highest", "connections", "connections_max")
    _sessions(panel)
    waiting = [samples.highest("lb", "queue", name) or 0.0 for name in samples.instances("lb", "queue")]
    panel.counted(
        "Queue, highest",
        max(waiting, default=None),
        "requests waiting for a server",
        nothing="requests waiting for a server",
    )
    for title, metric in (
        ("Retries", "retries"),
        ("Redispatches", "redispatches"),
        ("5xx answers", "errors_5xx"),
        ("Connect errors", "connect_errors"),
        ("Connections dropped", "connections_dropped"),
    ):
        grown = [samples.increase("lb", metric, name) for name in summing(samples.instances("lb", metric))]
        known = [value for value in grown if value is not None]
        panel.counted(title, sum(known) if known else None, bad=True)
    for title, metric in (("Queue time, mean", "queue"), ("Connect time, mean", "connect")):
        exact = logged_ms(panel, metric)
        if exact is not None:
            panel.figure(title, exact or None, "ms", "of each request, by its log")
            continue
        told = f"{metric}_time_ms"
        times = [samples.mean("lb", told, name) for name in summing(samples.instances("lb", told))]
        value = max((time for time in times if time is not None), default=None)
        panel.figure(title, value or None, "ms")
    for backend, servers in backends(panel).items():
        _servers(panel, backend, servers)
    queues = [
        replace(track, name=track.name.removeprefix("backend/"))
        for track in panel.tracks("queue", highest=True)
        if track.name in summing([one.instance for one in samples.all("lb", "queue")])
    ]
    panel.chart("Waiting for a server", "count", queues)
    process(panel, chart=False)


def _sessions(panel: Panel) -> None:
    """The frontend or backend nearest to its limit of sessions."""
    samples = panel.samples
    found = []
    for name in samples.instances("lb", "sessions_limit"):
        limit, used = samples.highest("lb", "sessions_limit", name), samples.highest("lb", "sessions", name)
        if limit and used and (name.startswith("frontend/") or "/" not in name):
            found.append((used / limit, used, limit, name))
    if found:
        share, used, limit, name = max(found)
        if share > _FAR_FROM_FULL or not panel.figures:
            panel.figure(f"Sessions, {name}", used, "count", of=limit)


def summing(instances: list[str]) -> list[str]:
    """The instances that sum others up, or all where none does, so that nothing counts twice."""
    return [name for name in instances if name.startswith("backend/")] or instances


def backends(panel: Panel) -> dict[str, list[str]]:
    """Each backend's servers that are known, where the backend got any request."""
    found: dict[str, list[str]] = {}
    for instance in panel.samples.instances("lb", "requests"):
        backend, _, server = instance.partition("/")
        if server and backend not in ("frontend", "backend"):
            found.setdefault(backend, []).append(server)
    return {
        backend: servers
        for backend, servers in found.items()
        if any(panel.samples.increase("lb", "requests", f"{backend}/{server}") for server in servers)
    }


def _servers(panel: Panel, backend: str, servers: list[str]) -> None:
    samples = panel.samples
    counts = {one: samples.increase("lb", "requests", f"{backend}/{one}") or 0.0 for one in servers}
    total = sum(counts.values())
    rows: list[tuple[str, list[float | None]]] = []
    for one in servers:
        name = f"{backend}/{one}"
        figures = [counts[one] / total, samples.mean("lb", "requests", name), _response_ms(panel, name)]
        metrics = ("errors_5xx", "connect_errors", "retries", "redispatches")
        grown = [samples.increase("lb", metric, name) for metric in metrics]
        rows.append((one, [*figures, *grown, samples.mean("lb", "up", name)]))
    if len(servers) > 1:
        bad = ("5xx", "Connect errors", "Retries", "Redispatches")
        panel.table(f"Balance of {backend}", _SERVER_COLUMNS, rows, bad=bad, first="Server")
        lines = panel.tracks("requests", prefix=f"{backend}/")
        panel.chart(f"Requests per second by server of {backend}", "per_s", lines)


def logged_ms(panel: Panel, what: str, instance: str | None = None) -> float | None:
    """The mean of queue, connect or response over all requests that the log holds; None without a log."""
    requests = panel.samples.increase("lb", "log.requests", instance)
    seconds = panel.samples.increase("lb", f"log.{what}_seconds", instance)
    return seconds / requests * 1e3 if requests and seconds is not None else None


def _response_ms(panel: Panel, name: str) -> float | None:
    """By the request log; else the mean of HAProxy's own means over its last 1,024 requests."""
    exact = logged_ms(panel, "response", name)
    if exact is not None:
        return exact
    series = panel.samples.get("lb", name, "response_time_ms")
    if series is None:
        return None
    inside = panel.samples.within(series)
    return float(np.mean(inside)) if inside.size and inside.any() else None


def web(panel: Panel) -> None:
    """The instances that render pages."""
    panel.lead = "Rendering is the web tier's own work; time below it was spent in the API and behind it."
    process(panel)
    workers(panel)


def workers(panel: Panel) -> None:
    """How many requests were served at once, where the number is limited."""
    samples, tier = panel.samples, panel.tier
    limit = samples.highest(tier, "workers.max")
    if not limit:
        return
    panel.highest("Workers busy, highest", "workers.used", "workers.max")
    pending = samples.highest(tier, "workers.pending")
    panel.counted(
        "Waiting for a worker", pending, "requests at once", nothing="requests waiting for a worker"
    )
    busy = panel.tracks("workers.used", highest=True)
    panel.chart("Workers busy", "count", busy, limit=limit, limit_name="all busy")


def renamed(track: Track, what: str, with_instance: bool = False) -> Track:
    """A track under another name, after its instance's where there are several."""
    return replace(track, name=f"{track.name} {what}" if with_instance else what)
