"""All that asks Redis, as one locustfile."""

from scenarios.cache.query_cache import QueryCacheUser
from scenarios.cache.sessions import SessionUser

__all__ = ["QueryCacheUser", "SessionUser"]
