"""Redis for scenarios: redis-py, pooled per generator, timed without rounding, errors by kind."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

import redis
from gevent.lock import RLock
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
    (exceptions.TryAgainError, "try again"),
    (exceptions.ClusterCrossSlotError, "cross slot"),
    (exceptions.CrossSlotTransactionError, "cross slot"),
    (exceptions.MasterDownError, "master down"),
    (exceptions.ClusterDownError, "cluster down"),
    (exceptions.SlotNotCoveredError, "cluster down"),
    (exceptions.ReadOnlyError, "read-only"),
    (exceptions.OutOfMemoryError, "out of memory"),
    (exceptions.NoScriptError, "no script"),
    (exceptions.ExecAbortError, "aborted"),
    (exceptions.WatchError, "watch"),
    (exceptions.TimeoutError, "timeout"),
)
"""The first that fits. What redis-py has no class for counts by the server's word: "redis WRONGTYPE"."""


def failure_of(problem: Exception) -> Failure | None:
    """A redis-py error as a failure by kind; None for what is not one."""
    if not isinstance(problem, exceptions.RedisError | exceptions.RedisClusterException | OSError):
        return None
    text = str(problem)
    kind = next((kind for cls, kind in _KINDS if isinstance(problem, cls)), None)
    if "max number of clients" in text:
        kind = "too many connections"
    elif kind == "timeout" and "connect" in text.lower():
        kind = "connect timeout"
    elif kind is None and isinstance(problem, exceptions.ConnectionError | OSError):
        kind = "connect refused" if "refused" in text else "connection lost"
    elif kind is None and isinstance(problem, exceptions.RedisClusterException):
        # redis-py's own words, before anything was sent or when no node of the cluster answers.
        is_down = "not covered" in text or "cannot be connected" in text
        kind = "cluster down" if is_down else "cross slot" if "slot" in text else "cluster"
    if kind is None:
        # redis-py cuts off the words that it knows, and keeps them here.
        word = getattr(problem, "status_code", None) or text.rpartition("caused error: ")[2].partition(" ")[0]
        kind = f"redis {word}" if word.isupper() else "redis"
    return Failure(kind, text)


class RedisClient:
    """Any redis-py command, counted as one request: `redis.get(key, name="GET session")`.

    The key goes by position, for `name` is what the request is counted as; by default it is the command's.
    Commands return what redis-py returns (bytes, not text), and raise Failure.
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
                    if isinstance(client, redis.Redis):
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
    """The one pool of this process.

    Each client in it holds one connection. With a cluster there is one client for all, as an application
    has it: it knows the topology, keeps connections to each node, and drops those that break by itself.
    """
    address = redis_address()
    is_cluster = address.pop("cluster")
    patience: dict[str, Any] = {"socket_timeout": timeout_s, "socket_connect_timeout": timeout_s}
    never = Retry(NoBackoff(), 0)  # a retry inside the library would hide a failure in a latency
    options = {**address, **patience, "retry": never, "protocol": 2}
    shared: list[Any] = []
    making = RLock()

    def connect() -> Any:
        if not is_cluster:
            return redis.Redis(**options, driver_info=None, single_connection_client=True)
        with making:
            if not shared:
                shared.append(redis.RedisCluster(**options, driver_info=None))
        return shared[0]

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
