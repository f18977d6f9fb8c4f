"""One scheme, host and port: how to connect to it, and the connections kept open to it."""

from __future__ import annotations

import _socket
import errno
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

import gevent
from gevent import socket as gsocket

from load.failure import Failure
from load.http_client.connection import Connection
from load.http_client.tls import TlsStream

_OWN_LIMITS = {errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM}
_KEPT_MOST = 64


class Address(NamedTuple):
    """Where an origin is. `host` without brackets, as for the resolver."""

    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, url: str, base: str = "") -> tuple[Address, str]:
        """The origin and the target (the path with its query) of an absolute URL, or of one seen from `base`.

        Raises Failure of kind "request" if it is not http or https.
        """
        try:
            parts = urlsplit(urljoin(base, url))
            scheme, port = parts.scheme, parts.port
            # Also refuses a plain name that no resolver takes: empty or overlong between its dots.
            host = (parts.hostname or "").encode("idna").decode("ascii")
        except ValueError as problem:
            raise Failure("request", f"{url!r} is not an address: {problem}") from None
        if scheme not in ("http", "https") or not host:
            raise Failure("request", f"{url!r} is not an http or https address")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(scheme, host, port or (443 if scheme == "https" else 80)), target

    @property
    def host_header(self) -> str:
        """The Host header's value: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.scheme == "https" else 80) else f"{host}:{self.port}"


@dataclass
class Limits:
    """What bounds a connection."""

    connect_timeout_s: float
    max_response_bytes: int


class Origin:
    """The connections of one user to one origin. As many as it uses at once; the last used is used first."""

    def __init__(self, address: Address, limits: Limits, tls_context: Callable[[], ssl.SSLContext]) -> None:
        self.address = address
        self.host = address.host
        self.host_line = f"Host: {address.host_header}\r\n".encode("ascii")
        self.base = f"{address.scheme}://{address.host_header}"
        self.secure = address.scheme == "https"
        self.idle: list[Connection] = []
        self._limits = limits
        self._tls_context = tls_context

    def kept(self) -> Connection | None:
        """An idle connection that was open when it was last heard of."""
        idle = self.idle
        while idle:
            connection = idle.pop()
            if not connection.closed:
                return connection
        return None

    def give_back(self, connection: Connection) -> None:
        """Keep a connection for the next request if its last answer allows that, else close it."""
        if connection.answer.keep_alive and len(self.idle) < _KEPT_MOST:
            self.idle.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        """Close every idle connection."""
        while self.idle:
            self.idle.pop().close()

    def connect(self, budget_s: float) -> Connection:
        """A new connection, TLS included, within the connect timeout and what is left of the request's.

        Raises Failure of kind "dns", "connect refused", "connect timeout", "connect", "tls", or
        "generator limit" (this machine's own ports, files or memory).
        """
        within_s = max(min(self._limits.connect_timeout_s, budget_s), 0.0)
        tls = None
        sock: gsocket.socket | None = None
        stage = "connect"
        limit = gevent.Timeout(within_s)
        try:
            with limit:
                sock = gsocket.create_connection((self.address.host, self.address.port))
                sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
                if self.secure:
                    stage = "tls"
                    tls = TlsStream(self._tls_context(), self.address.host)
                    tls.handshake(sock)
                return Connection(_socket.socket(fileno=sock.detach()), tls, self._limits.max_response_bytes)
        except gevent.Timeout as passed:
            if passed is not limit:
                raise
            detail = f"no connection to {self.address.host_header} within {within_s:g} s"
            raise Failure("connect timeout", detail) from None
        except OSError as problem:
            raise _connect_failure(problem, stage, self.address) from None
        finally:
            if sock is not None:
                sock.close()


def _connect_failure(problem: OSError, stage: str, address: Address) -> Failure:
    where = address.host_header
    if isinstance(problem, _socket.gaierror):
        return Failure("dns", f"{address.host}: {problem.strerror}")
    if problem.errno in _OWN_LIMITS:
        return Failure("generator limit", f"this machine could not connect to {where}: {problem.strerror}")
    if stage == "tls":
        reason = getattr(problem, "verify_message", "") or getattr(problem, "reason", "") or str(problem)
        return Failure("tls", f"{where}: {reason}")
    if isinstance(problem, ConnectionRefusedError):
        return Failure("connect refused", where)
    if isinstance(problem, TimeoutError):
        return Failure("connect timeout", f"{where} did not answer")
    return Failure("connect", f"{where}: {problem.strerror or problem}")
