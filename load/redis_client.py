"""Redis for scenarios: redis-py, pooled per generator, timed without rounding, errors by kind."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

import redis
from redis import exceptions
from redis.backoff import NoBackoff
from redis.retry import Retry

from load.counting import Counting
from load.failure import Failure
from load.lending import Lending
from load.target import target

KIND: Final = "redis"

_KINDS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (exceptions.BusyLoadingError, "loading"),
    (exceptions.AuthenticationError, "auth"),
    (exceptions.AuthorizationError, "auth"),
    (exceptions.NoPermissionError, "auth"),
    (exceptions.MovedError, "moved"),
    (exceptions.AskError, "ask"),
    (exceptions.ClusterDownError, "cluster down"),
    (exceptions.ReadOnlyError, "read-only"),
    (exceptions.OutOfMemoryError, "out of memory"),
    (exceptions.WatchError, "watch"),
    (exceptions.TimeoutError, "timeout"),
)


def failure_of(problem: Exception) -> Failure | None:
    """A redis-py error as a failure by kind; None for what is not one."""
    if not isinstance(problem, exceptions.RedisError | OSError):
        return None
    text = str(problem)
    kind = next((kind for cls, kind in _KINDS if isinstance(problem, cls)), None)
    if "max number of clients" in text:
        kind = "too many connections"
    elif kind == "timeout" and "connect" in text.lower():
        kind = "connect timeout"
    elif kind is None and isinstance(problem, exceptions.ConnectionError | OSError):
        kind = "connect refused" if "refused" in text else "connection lost"
    if kind is None:
        word = text.rpartition("caused error: ")[2].partition(" ")[0]
        kind = f"redis {word}" if word.isupper() else "redis"
    return Failure(kind, text)


class RedisClient:
    """Any redis-py command, counted as one request: `redis.get(key, name="GET session")`.

    The name is by default the command's. Commands return what redis-py returns (bytes, not text), and
    raise Failure.
    """

    def __init__(self, counting: Counting, pool_size: int, timeout_s: float) -> None:
        self._counting = counting
        self._pool = _pool(pool_size, timeout_s)

    def __getattr__(self, command: str) -> Callable[..., Any]:
        if command.startswith("_") or not callable(getattr(redis.Redis, command, None)):
            raise AttributeError(f"redis has no command {command!r}")
        label = command.upper()

        def call(*args: Any, name: str | None = None, **options: Any) -> Any:
            with self._lent(name or label) as client:
                return getattr(client, command)(*args, **options)

        setattr(self, command, call)
        return call

    @contextmanager
    def pipeline(self, name: str, transaction: bool = False) -> Iterator[Any]:
        """Commands sent together and counted as one request; their answers are in `.results` afterwards.

        Raises Failure when the block is left, for the first command that failed.
        """
        batch = _Batch()
        yield batch
        with self._lent(name) as client:
            pipe = client.pipeline(transaction=transaction)
            for command, args, options in batch.commands:
                getattr(pipe, command)(*args, **options)
            batch.results = pipe.execute()

    @contextmanager
    def _lent(self, name: str) -> Iterator[Any]:
        with self._counting.timed(name, KIND, failure_of) as parts_s:
            client = self._pool.borrow(parts_s)
            is_fit = False
            try:
                yield client
                is_fit = True
            except exceptions.ResponseError:
                is_fit = True
                raise
            finally:
                if is_fit:
                    self._pool.give_back(client)
                else:
                    client.close()
                    self._pool.drop()


class _Batch:
    """Collects commands by the names they have in redis-py."""

    def __init__(self) -> None:
        self.commands: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self.results: list[Any] = []

    def __getattr__(self, command: str) -> Callable[..., None]:
        if command.startswith("_"):
            raise AttributeError(command)
        return lambda *args, **options: self.commands.append((command, args, options))


@cache
def _pool(size: int, timeout_s: float) -> Lending[Any]:
    """The one pool of this process. Each client in it holds one connection, or one to each cluster node."""
    address = redis_address()
    is_cluster = address.pop("cluster")
    patience: dict[str, Any] = {"socket_timeout": timeout_s, "socket_connect_timeout": timeout_s}
    never = Retry(NoBackoff(), 0)  # a retry inside the library would hide a failure in a latency

    def connect() -> Any:
        if is_cluster:
            return redis.RedisCluster(**address, **patience, retry=never, protocol=2)
        return redis.Redis(
            **address, **patience, retry=never, protocol=2, lib_name=None, single_connection_client=True
        )

    return Lending(connect, size, timeout_s)


def redis_address() -> dict[str, Any]:
    """Host, port, credentials and whether it is a cluster.

    From the target under the harness; under plain `locust` from REDIS_HOST, REDIS_PORT, REDIS_USER,
    REDIS_PASSWORD and REDIS_CLUSTER (1 for yes).
    """
    told = target().get("redis")
    if told is None:
        told = {
            key: os.environ.get(f"REDIS_{key.upper()}", "") for key in ("host", "port", "user", "password")
        }
        told["cluster"] = os.environ.get("REDIS_CLUSTER") == "1"
    return {
        "host": told.get("host") or "127.0.0.1",
        "port": int(told.get("port") or 6379),
        "username": told.get("user") or None,
        "password": told.get("password") or None,
        "cluster": bool(told.get("cluster")),
        "ssl": bool(told.get("tls")),
        "ssl_ca_certs": told.get("ca_file") or None,
    }
