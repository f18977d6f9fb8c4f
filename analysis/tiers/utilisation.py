"""How busy each part was in a stretch of a run, as a share of what it can give: one column of a heat map."""

from __future__ import annotations

from collections.abc import Callable

from analysis.samples import Samples

TITLES = {
    "lb": "load balancer",
    "web": "web",
    "api": "API",
    "primary": "primary",
    "replica": "replica",
    "redis": "Redis",
    "jobs": "jobs",
    "generator": "generator",
}
_ONE_CORE = ("web", "api", "redis", "jobs", "generator")
"""Processes that run on one core each, however many the machine has."""


def utilisation(samples: Samples) -> dict[str, float]:
    """Mean shares (0 to 1, or a little above) by part, in the order of a request's way.

    A CPU share is of one core for processes that cannot use more, of the machine for the others. Row locks
    are the share of time in which one session waited for one. What was not watched is not in it.
    """
    found: dict[str, float] = {}
    for tier, title in TITLES.items():
        for part, share_of in _PARTS:
            share = share_of(samples, tier)
            if share is not None:
                found[f"{title}{part}"] = share
        found |= _pools(samples, tier, title)
    host = samples.mean("host", "cpu_ratio")
    if host is not None:
        found["host CPU"] = host
    return found


def _cpu(samples: Samples, tier: str) -> float | None:
    """Of the busiest instance."""
    cores = [samples.mean(tier, "cpu_ratio", name) for name in samples.instances(tier, "cpu_ratio")]
    busiest = max((value for value in cores if value is not None), default=None)
    if busiest is None or tier in _ONE_CORE:
        return busiest
    machine = samples.highest("host", "cpus")
    return busiest / machine if machine else None


def _workers(samples: Samples, tier: str) -> float | None:
    return _share(samples, tier, "workers.used", "workers.max")


def _connections(samples: Samples, tier: str) -> float | None:
    return _share(samples, tier, "connections", "connections_max")


def _row_locks(samples: Samples, tier: str) -> float | None:
    waited_ms = samples.mean(tier, "row_lock_time_ms")
    return None if waited_ms is None else waited_ms / 1e3


def _queue(samples: Samples, tier: str) -> float | None:
    """The share of seconds in which requests waited for a server."""
    if tier != "lb":
        return None
    waits = [one.between(samples.from_s, samples.to_s).values for one in samples.all("lb", "queue")]
    longest = max((values.size for values in waits), default=0)
    return max(float((values > 0).mean()) for values in waits if values.size) if longest else None


def _pools(samples: Samples, tier: str, title: str) -> dict[str, float]:
    names = sorted({metric.split(".")[1] for metric in samples.metrics(tier) if metric.startswith("pool.")})
    shares = {name: _share(samples, tier, f"pool.{name}.used", f"pool.{name}.max") for name in names}
    return {f"{title} pool, {name}": share for name, share in shares.items() if share is not None}


def _share(samples: Samples, tier: str, used: str, limit: str) -> float | None:
    """Of the fullest instance."""
    shares = []
    for name in samples.instances(tier, used):
        value, most = samples.mean(tier, used, name), samples.highest(tier, limit, name)
        if value is not None and most:
            shares.append(value / most)
    return max(shares, default=None)


_PARTS: tuple[tuple[str, Callable[[Samples, str], float | None]], ...] = (
    (" queue", _queue),
    (" CPU", _cpu),
    (" workers", _workers),
    (" connections", _connections),
    (" row locks", _row_locks),
)
