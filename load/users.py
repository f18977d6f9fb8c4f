"""Base classes for scenarios: the lean HTTP client, MySQL, and Redis."""

from __future__ import annotations

from typing import Any

from locust import User
from locust.exception import StopTest
from locust.user.users import RestMixin

from load.counting import Counting
from load.http_client import HttpClient, Options, Response
from load.mysql import Database
from load.redis_client import RedisClient
from load.target import target


class LeanHttpUser(User, RestMixin[Response]):
    """A user with the lean HTTP client as `self.client`: FastHttpUser's interface at a third of its cost.

    Unlike FastHttpUser it verifies TLS certificates, does not follow redirects unless told to, and
    `network_timeout` bounds the whole request rather than each read.
    """

    abstract = True

    network_timeout: float = 60.0
    """Seconds for a whole request, connecting and redirects included."""
    connection_timeout: float = 60.0
    """Seconds for connecting, the TLS handshake included."""
    allow_redirects: bool = False
    max_redirects: int = 30
    insecure: bool = False
    """Accept any TLS certificate."""
    ca_file: str | None = None
    """A PEM file with the authorities to trust instead of the system's."""
    ssl_context_factory: Any = None
    """Makes an ssl.SSLContext, where the above do not say enough."""
    default_headers: dict[str, str] | None = None
    max_response_bytes: int = 64 * 2**20
    browser_cache: bool = False
    """Keep answers as a browser would, and ask again with conditions (ETag, Last-Modified, max-age)."""

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        if self.host is None:
            raise StopTest("the scenario has no host: give --host, or set `host` in the class")
        options = Options(
            timeout_s=self.network_timeout,
            connect_timeout_s=self.connection_timeout,
            verify=not self.insecure and bool(target().get("verify_tls", True)),
            ca_file=self.ca_file or target().get("ca_file") or None,
            tls_context=type(self).ssl_context_factory,
            max_response_bytes=self.max_response_bytes,
            allow_redirects=self.allow_redirects,
            max_redirects=self.max_redirects,
            headers=self.default_headers or {},
            browser_cache=self.browser_cache,
        )
        self.client = HttpClient(
            self.host, options, request_event=environment.events.request, context=self.context
        )


class DatabaseUser(User):
    """A user with MySQL as `self.db.primary` and `self.db.replica` (see load.mysql.Server)."""

    abstract = True

    pool_size: int = 10
    """Connections of one generator to each server, shared by its users; the wait for one is measured."""
    timeout_s: float = 10.0
    """For connecting, for a connection to come free, and for each answer."""

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self.counting = Counting(environment.events.request, self.context)
        """For what a scenario measures itself, such as the time until a write is seen."""
        self.db = Database(self.counting, self.pool_size, self.timeout_s)


class RedisUser(User):
    """A user with Redis as `self.redis` (see load.redis_client.RedisClient)."""

    abstract = True

    pool_size: int = 50
    """Connections of one generator, shared by its users; the wait for one is measured."""
    timeout_s: float = 5.0
    """For connecting, for a connection to come free, and for each answer."""

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self.counting = Counting(environment.events.request, self.context)
        """For what a scenario measures itself, such as what a miss costs."""
        self.redis = RedisClient(self.counting, self.pool_size, self.timeout_s)
