"""The caching levels of a system in one picture: what each kept away and what got through."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.samples import Samples


@dataclass(frozen=True)
class CacheLevel:
    """One level over the steady part: lookups and hits by its own counters."""

    name: str
    what: str
    """What is looked up, in a few words."""
    lookups: float
    hits: float

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
        _level(samples, "browser", "assets a browser already had", "generator", "browser_cache"),
        _edge(samples),
        *_application(samples),
        *_buffer_pools(samples),
    ]
    return [level for level in levels if level is not None and level.lookups > 0]


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
    names = sorted({metric.split(".")[1] for metric in samples.metrics("api") if metric.startswith("cache.")})
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
