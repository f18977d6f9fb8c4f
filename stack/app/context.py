"""What one request may use: who asks, the database, the cache. Every row it reads belongs to the asker's team."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from asyncmy.cursors import DictCursor
from redis.asyncio import Redis
from redis.exceptions import RedisError

from stack.app import metrics
from stack.app.pool import Pool
from stack.app.protocol import TrpcError, iso
from stack.app.timing import Timing

SESSION_TTL_S = 24 * 3600
OWN_WRITES_S = 5
"""How long after a write a session reads from the primary: longer than the replica lags when healthy."""


@dataclass
class Services:
    """What all requests of an instance share."""

    primary: Pool
    replica: Pool
    redis: Redis
    cache_ttl_s: int
    slow_s: float = 0.0


@dataclass(frozen=True)
class Session:
    """Who is signed in."""

    token: str
    user_id: int
    team_id: int


class Context:
    """One HTTP request's view of the services."""

    def __init__(self, services: Services, timing: Timing) -> None:
        self.services = services
        self.timing = timing
        self.session: Session | None = None
        self._version = "0"
        self._reads_primary = False

    async def open_session(self, token: str) -> None:
        """Look up who asks; an unknown token stays signed out. Token: `user.team.random`."""
        pieces = token.split(".")
        if len(pieces) != 3 or not (pieces[0].isdigit() and pieces[1].isdigit()):
            return
        keys = [f"session:{token}", f"wrote:{token}", f"version:{pieces[1]}"]
        known, wrote, version = await self.cached_call(self.services.redis.mget(keys))
        found = known is not None
        (metrics.CACHE_HITS if found else metrics.CACHE_MISSES).labels("session").inc()
        if found:
            self.session = Session(token, int(pieces[0]), int(pieces[1]))
            self._reads_primary = wrote is not None
            self._version = (version or b"0").decode()

    async def sign_in(self, user_id: int, team_id: int) -> Session:
        """A new session."""
        token = f"{user_id}.{team_id}.{secrets.token_urlsafe(18)}"
        value = json.dumps({"since": int(time.time())})
        await self.cached_call(self.services.redis.setex(f"session:{token}", SESSION_TTL_S, value))
        self.session = Session(token, user_id, team_id)
        return self.session

    async def sign_out(self) -> None:
        """End the session."""
        await self.cached_call(self.services.redis.delete(f"session:{self.user.token}"))

    @property
    def user(self) -> Session:
        """Who asks. Raises TrpcError UNAUTHORIZED for someone who is not signed in."""
        if self.session is None:
            raise TrpcError("UNAUTHORIZED", "sign in first")
        return self.session

    async def read(self, sql: str, args: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Rows from the replica, or from the primary while the session's own write may not have arrived there."""
        pool = self.services.primary if self._reads_primary else self.services.replica
        async with pool.connection(self.timing) as connection:
            with self.timing.measure("db"):
                async with connection.cursor(DictCursor) as cursor:
                    await cursor.execute(sql, tuple(args))
                    return list(await cursor.fetchall())

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Callable[..., Awaitable[int]]]:
        """A transaction on the primary: a function that executes and returns the new id or rows changed."""
        async with self.services.primary.connection(self.timing) as connection:
            with self.timing.measure("db"):
                async with connection.cursor() as cursor:

                    async def execute(sql: str, args: Sequence[Any] = ()) -> int:
                        changed = await cursor.execute(sql, tuple(args))
                        return int(cursor.lastrowid or changed)

                    await connection.begin()
                    try:
                        yield execute
                    except BaseException:
                        await connection.rollback()
                        raise
                    await connection.commit()
        await self._wrote()

    async def _wrote(self) -> None:
        """The team's cached answers are void, and the session reads its own write."""
        pipe = self.services.redis.pipeline(transaction=False)
        pipe.incr(f"version:{self.user.team_id}")
        pipe.setex(f"wrote:{self.user.token}", OWN_WRITES_S, "1")
        version, _ = await self.cached_call(pipe.execute())
        metrics.CACHE_INVALIDATIONS.labels("query").inc()
        self._version, self._reads_primary = str(version), True

    async def cached(self, name: str, given: Any, compute: Callable[[], Awaitable[Any]]) -> Any:
        """A team's answer from the cache, or computed and kept there as JSON for the TTL."""
        digest = hashlib.blake2b(orjson.dumps(given), digest_size=8).hexdigest()
        key = f"query:{self.user.team_id}:{self._version}:{name}:{digest}"
        kept = await self.cached_call(self.services.redis.get(key))
        if kept is not None:
            metrics.CACHE_HITS.labels("query").inc()
            return orjson.loads(kept)
        metrics.CACHE_MISSES.labels("query").inc()
        value = await compute()
        blob = orjson.dumps(value, default=iso, option=orjson.OPT_PASSTHROUGH_DATETIME)
        await self.cached_call(self.services.redis.setex(key, self.services.cache_ttl_s, blob))
        return value

    async def cached_call(self, call: Any) -> Any:
        """Await Redis; the time counts as `cache`."""
        with self.timing.measure("cache"):
            try:
                return await call
            except RedisError as problem:
                raise TrpcError("SERVICE_UNAVAILABLE", f"redis: {problem}") from problem
