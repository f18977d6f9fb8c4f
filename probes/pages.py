"""A tier's page over HTTP: one connection that stays open, with TLS or a login where the address has them."""

from __future__ import annotations

import base64
import http.client
import ssl
from urllib.parse import urlsplit

from probes.probe import ProbeError
from probes.secrets import login_of
from results import HarnessError

MOST_BYTES = 4_000_000


class Page:
    """One page of one instance, asked for again and again. Never by way of a proxy."""

    def __init__(self, what: str, url: str, tls: ssl.SSLContext | None = None) -> None:
        """`what` names it in messages: `api1's metrics page`. `tls` is for https."""
        self.what = what
        self._url = urlsplit(url)
        self._tls = tls
        self._headers = {}
        if any(login_of(url)):
            encoded = base64.b64encode(":".join(login_of(url)).encode()).decode()
            self._headers["Authorization"] = f"Basic {encoded}"
        self._connection: http.client.HTTPConnection | None = None

    def text(self) -> str:
        """What it says now. Raises ProbeError."""
        for attempt in (1, 2):
            try:
                if self._connection is None:
                    self._connection = self._connected()
                path = self._url._replace(scheme="", netloc="", fragment="").geturl() or "/"
                self._connection.request("GET", path, headers=self._headers)
                answer = self._connection.getresponse()
                body = answer.read(MOST_BYTES)
            except (OSError, http.client.HTTPException) as problem:
                self.close()
                # A kept connection may have been closed while idle: one fresh try tells.
                if attempt == 2 or isinstance(problem, ConnectionRefusedError | TimeoutError | ssl.SSLError):
                    raise ProbeError(f"{self.what}: {problem or type(problem).__name__}") from problem
                continue
            if answer.status != 200:
                raise ProbeError(f"{self.what} answers {answer.status}")
            return body.decode(errors="replace")
        raise ProbeError(f"{self.what} cannot be read")

    def _connected(self) -> http.client.HTTPConnection:
        host, port = self._url.hostname or "", self._url.port
        if self._url.scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=2, context=self._tls)
        return http.client.HTTPConnection(host, port, timeout=2)

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def tls_context(ca_file: str = "", *, verify: bool = True) -> ssl.SSLContext:
    """How certificates are checked: against a PEM file, or the system's authorities. Raises HarnessError."""
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
    except OSError as problem:
        raise HarnessError(f"the authorities in {ca_file} cannot be read: {problem}") from problem
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
