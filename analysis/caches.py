"""The caching levels of a system in one picture: what each kept away and what got through."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from analysis.samples import Samples
from results import Series


@dataclass(frozen=True)
class CacheLevel:
    """One level over the steady part: lookups and hits by its own counters."""

    name: str
    what: str
    """What is looked up, in a few words."""
    lookups: float
    hits: float
    bytes_saved: float | None = None
    """Bytes that the level below did not have to send, where that was counted."""
    more: str = ""
    """What else was counted, in a few words."""

    @property
    def hit_ratio(self) -> float:
        """Hits of lookups, 0 to 1."""
        return self.hits / self.lookups

    @property
    def passed(self) -> float:
        """Lookups that got through to the level below."""
        return self.lookups - self.hits


def cache_levels(samples: Samples) -> list[CacheLevel]:
    """The levels that were watched and asked at least once, from the browser down to the buffer pool."""
    levels = [
        _browser(samples),
        _edge(samples),
        *_application(samples),
        *_buffer_pools(samples),
    ]
    return [level for level in levels if level is not None and level.lookups > 0]


def _browser(samples: Samples) -> CacheLevel | None:
    """The generators' own caches: asked of a server again, be it only for a 304, is no hit."""
    level = _level(samples, "browser", "assets a browser already had", "generator", "browser_cache")
    again = samples.increase("generator", "browser_cache.revalidated")
    saved = samples.increase("generator", "browser_cache.bytes_saved")
    if level is None:
        return None
    more = f"{again:,.0f} of them answered 304: not changed" if again else ""
    return replace(level, bytes_saved=saved, more=more)


def _level(samples: Samples, name: str, what: str, tier: str, prefix: str) -> CacheLevel | None:
    hits = samples.increase(tier, f"{prefix}.hits")
    misses = samples.increase(tier, f"{prefix}.misses")
    if hits is None or misses is None:
        return None
    return CacheLevel(name, what, hits + misses, hits)


def _edge(samples: Samples) -> CacheLevel | None:
    lookups, hits = samples.increase("lb", "cache_lookups"), samples.increase("lb", "cache_hits")
    if lookups is None or hits is None:
        return None
    return CacheLevel("edge", "cacheable requests at the load balancer", lookups, min(hits, lookups))


def _application(samples: Samples) -> list[CacheLevel | None]:
    """One level for each of the application's own caches; Redis's own count where it names none."""
    names = _own_caches(samples)
    if names:
        return [
            _level(samples, f"application, {name}", f"the API's {name} cache", "api", f"cache.{name}")
            for name in names
        ]
    hits, misses = samples.increase("redis", "hits"), samples.increase("redis", "misses")
    if hits is None or misses is None:
        return []
    return [CacheLevel("Redis", "keys looked up in Redis", hits + misses, hits)]


def _buffer_pools(samples: Samples) -> list[CacheLevel | None]:
    levels: list[CacheLevel | None] = []
    for tier in ("primary", "replica"):
        asked = samples.increase(tier, "buffer_pool_read_requests")
        read = samples.increase(tier, "buffer_pool_reads")
        if asked is not None and read is not None:
            levels.append(CacheLevel(f"buffer pool, {tier}", "pages the database read", asked, asked - read))
    return levels


def level_lines(samples: Samples) -> list[tuple[str, Series]]:
    """The hit ratio of each level over time, by its name; nan where it was not asked."""
    own = application_lines(samples) or [("Redis", _counted(samples, "redis", ""))]
    pairs = [
        ("browser", _counted(samples, "generator", "browser_cache.")),
        ("edge", _lookups(samples, "lb", "cache_hits", "cache_lookups")),
        *own,
    ]
    for tier in ("primary", "replica"):
        metrics = ("buffer_pool_reads", "buffer_pool_read_requests")
        pairs.append((f"pages, {tier}", _lookups(samples, tier, *metrics, counts_misses=True)))
    return [(name, line) for name, line in pairs if line is not None and np.isfinite(line.values).any()]


def application_lines(samples: Samples) -> list[tuple[str, Series | None]]:
    """The hit ratio over time of each of the application's own caches, over all instances of the API."""
    return [(name, _counted(samples, "api", f"cache.{name}.")) for name in _own_caches(samples)]


def hit_ratio(hits: Series | None, misses: Series | None) -> Series | None:
    """Hits of all lookups at each moment, nan where there were none; None where either was not watched."""
    if hits is None or misses is None:
        return None
    return _share(hits, hits.values + np.interp(hits.at_s, misses.at_s, misses.values))


def _counted(samples: Samples, tier: str, prefix: str) -> Series | None:
    return hit_ratio(samples.summed(tier, f"{prefix}hits"), samples.summed(tier, f"{prefix}misses"))


def _own_caches(samples: Samples) -> list[str]:
    return sorted({metric.split(".")[1] for metric in samples.metrics("api") if metric.startswith("cache.")})


def _lookups(
    samples: Samples, tier: str, part: str, lookups: str, *, counts_misses: bool = False
) -> Series | None:
    some, asked = samples.summed(tier, part), samples.summed(tier, lookups)
    if some is None or asked is None:
        return None
    ratio = _share(some, np.interp(some.at_s, asked.at_s, asked.values))
    return replace(ratio, values=1 - ratio.values) if counts_misses else ratio


def _share(part: Series, whole: npt.NDArray[np.float64]) -> Series:
    return replace(part, values=np.minimum(part.values / np.where(whole > 0, whole, np.nan), 1.0))
