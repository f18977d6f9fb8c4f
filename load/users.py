"""Base classes for scenarios: change a scenario's base class, and its `self.client` is the lean one."""

from __future__ import annotations

from typing import Any

from locust import User
from locust.exception import StopTest
from locust.user.users import RestMixin

from load.http_client import HttpClient, Options, Response


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
            verify=not self.insecure,
            ca_file=self.ca_file,
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
