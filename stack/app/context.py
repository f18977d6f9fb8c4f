"""What one request may use: who asks, the database, the cache."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from asyncmy.cursors import DictCursor
from asyncmy.errors import MySQLError
from redis.exceptions import RedisError

from stack.app import api_metrics as metrics
from stack.app.encoding import Prepared
from stack.app.pool import Pool
from stack.app.protocol import TrpcError
from stack.app.timing import Timing

SESSION_TTL_S = 24 * 3600
OWN_WRITES_S = 5
"""How long after a write its session reads from the primary, and its team's answers are cached from there:
longer than a healthy replica lags. A time and not a GTID, so that it is the same on MySQL and MariaDB; a
replica that lags longer shows, as it would in any product that does the same."""

_LOST_TO_ANOTHER = (1205, 1213)
"""MySQL's lock wait timeout and deadlock."""

Rows = list[dict[str, Any]]


@dataclass
class Services:
    """What all requests of an instance share. `redis` is a client of one server or of a cluster."""

    primary: Pool
    replica: Pool
    redis: Any
    cache_ttl_s: int
    slow_s: float = 0.0


@dataclass(frozen=True)
class Session:
    """Who is signed in."""

    token: str
    user_id: int
    team_id: int


class Context:
    """One HTTP request's view of the services.

    A team's keys share the tag {team}, so a cluster keeps them together. `version:{team}` is the time in ns
    of the team's last write and part of the key of all that is cached: a write puts it out of reach at once.
    """

    def __init__(self, services: Services, timing: Timing) -> None:
        self.services = services
        self.timing = timing
        self.session: Session | None = None
        self._version_ns = 0
        self._reads_primary = False

    async def open_session(self, token: str) -> None:
        """Look up who asks; an unknown token stays signed out. Token: `user.team.random`."""
        pieces = token.split(".")
        if len(pieces) != 3 or not (pieces[0].isdigit() and pieces[1].isdigit()):
            return
        keys = [_session_key(token, pieces[1]), _wrote_key(token, pieces[1]), _version_key(pieces[1])]
        known, wrote, version = await self.cached_call(self.services.redis.mget(keys))
        if known is None:
            metrics.SESSION_MISSES.inc()
            return
        metrics.SESSION_HITS.inc()
        self.session = Session(token, int(pieces[0]), int(pieces[1]))
        self._reads_primary = wrote is not None
        if version is None:
            # Nobody wrote yet, or Redis dropped it: a new one, for what an older one names may be stale.
            version = str(time.time_ns() - int(OWN_WRITES_S * 1e9))
            await self.cached_call(self.services.redis.set(keys[2], version, nx=True))
        self._version_ns = int(version)

    async def sign_in(self, user_id: int, team_id: int) -> Session:
        """A new session."""
        token = f"{user_id}.{team_id}.{secrets.token_urlsafe(18)}"
        value = orjson.dumps({"since": int(time.time())})
        key = _session_key(token, team_id)
        await self.cached_call(self.services.redis.setex(key, SESSION_TTL_S, value))
        metrics.SESSION_SETS.inc()
        self.session = Session(token, user_id, team_id)
        return self.session

    async def sign_out(self) -> None:
        """End the session."""
        key = _session_key(self.user.token, self.user.team_id)
        await self.cached_call(self.services.redis.delete(key))
        metrics.SESSION_INVALIDATIONS.inc()

    @property
    def user(self) -> Session:
        """Who asks. Raises TrpcError UNAUTHORIZED for someone who is not signed in."""
        if self.session is None:
            raise TrpcError("UNAUTHORIZED", "sign in first")
        return self.session

    async def read(self, sql: str, args: Sequence[Any] = ()) -> Rows:
        """Rows from the replica, or from the primary while the session's own write may not be there yet."""
        return await self._rows(self._reads_primary, sql, args)

    async def _rows(self, from_primary: bool, sql: str, args: Sequence[Any]) -> Rows:
        pool = self.services.primary if from_primary else self.services.replica
        async with pool.connection(self.timing) as connection:
            with self.timing.measure("db"):
                async with connection.cursor(DictCursor) as cursor:
                    await pool.way()
                    await cursor.execute(sql, tuple(args))
                    return list(await cursor.fetchall())

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Callable[..., Awaitable[int]]]:
        """A transaction on the primary: a function that executes and returns the new id or rows changed.

        Anything but the product's own errors closes the connection, which rolls back too. Raises TrpcError
        CONFLICT for a deadlock or a lock that took too long.
        """
        pool = self.services.primary
        async with pool.connection(self.timing) as connection:
            with self.timing.measure("db"):
                async with connection.cursor() as cursor:

                    async def execute(sql: str, args: Sequence[Any] = ()) -> int:
                        await pool.way()
                        changed = await cursor.execute(sql, tuple(args))
                        return int(cursor.lastrowid or changed)

                    await pool.way()
                    await connection.begin()
                    try:
                        yield execute
                        await pool.way()
                        await connection.commit()
                    except TrpcError:
                        await connection.rollback()
                        raise
                    except MySQLError as problem:
                        if problem.args[0] not in _LOST_TO_ANOTHER:
                            raise
                        await connection.rollback()
                        raise TrpcError("CONFLICT", str(problem.args[1])) from problem
        await self._wrote()

    async def _wrote(self) -> None:
        """The team's cached answers are void, and the session reads its own write."""
        who = self.user
        self._version_ns, self._reads_primary = time.time_ns(), True
        pipe = self.services.redis.pipeline()
        pipe.set(_version_key(who.team_id), self._version_ns)
        pipe.setex(_wrote_key(who.token, who.team_id), OWN_WRITES_S, "1")
        await self.cached_call(pipe.execute())
        metrics.QUERY_INVALIDATIONS.inc()

    async def cached(
        self,
        name: str,
        given: Any,
        sql: str,
        args: Sequence[Any],
        shape: Callable[[Rows], Any] = lambda rows: rows,
    ) -> Prepared:
        """A team's answer from the cache, or read, shaped and kept there as JSON for the TTL.

        What is kept serves everyone for long, so it is not read from a replica that may still lack the team's
        last write.
        """
        who = self.user
        digest = hashlib.blake2b(orjson.dumps(given), digest_size=8).hexdigest()
        key = f"query:{{{who.team_id}}}:{self._version_ns}:{name}:{digest}"
        with metrics.CLASS_TIME.labels(name).time():
            kept = await self.cached_call(self.services.redis.get(key))
            metrics.CLASS_LOOKUPS.labels(name, "miss" if kept is None else "hit").inc()
            if kept is not None:
                metrics.QUERY_HITS.inc()
                return Prepared.from_bytes(kept)
            metrics.QUERY_MISSES.inc()
            recent = time.time_ns() - self._version_ns < OWN_WRITES_S * 1e9
            value = Prepared.of(shape(await self._rows(self._reads_primary or recent, sql, args)))
            await self.cached_call(
                self.services.redis.setex(key, self.services.cache_ttl_s, value.to_bytes())
            )
            metrics.QUERY_SETS.inc()
            return value

    async def cached_call(self, call: Awaitable[Any]) -> Any:
        """Await Redis; the time counts as `cache`. Raises TrpcError SERVICE_UNAVAILABLE."""
        with self.timing.measure("cache"):
            try:
                return await call
            except RedisError as problem:
                raise TrpcError("SERVICE_UNAVAILABLE", f"redis: {problem}") from problem


def _session_key(token: str, team: int | str) -> str:
    return f"session:{{{team}}}:{token}"


def _wrote_key(token: str, team: int | str) -> str:
    return f"wrote:{{{team}}}:{token}"


def _version_key(team: int | str) -> str:
    return f"version:{{{team}}}"
