"""All that asks Redis, as one locustfile."""

from scenarios.cache import query_cache
from scenarios.cache.sessions import SessionUser

__all__ = ["ManyCacheUsers", "SessionUser"]


class ManyCacheUsers(query_cache.QueryCacheUser):
    """More of them, so that several ask for the hot key at a time."""

    weight = 4
