"""What goes on the wire for one hop of a request: pure functions from what a scenario asked for."""

from __future__ import annotations

import json as json_module
import secrets
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, unquote, urlencode, urlsplit, urlunsplit

from load.http_client.headers import RequestHeaders
from load.http_client.origin import Origin

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_TARGET_SAFE: Final = "/?:@!$&'()*+,;=-._~%[]"

Params = Mapping[str, Any] | list[tuple[str, Any]]
Body = bytes | str | Params
File = tuple[str, bytes] | tuple[str, bytes, str]
"""File name, content, and the content's type (application/octet-stream if left out)."""


@dataclass(slots=True)
class Order:
    """One hop, ready to be sent, again and again. `target` is the path with its query, percent-encoded."""

    method: str
    origin: Origin
    target: str
    headers: RequestHeaders
    body: bytes | None = None
    on_data: Callable[[bytes], None] | None = None
    url: str = field(init=False)
    """The whole address."""
    _message: bytes = field(init=False, default=b"")
    _made_of: tuple[bytes, bytes] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.url = self.origin.base + self.target

    def message(self, cookie_line: bytes) -> bytes:
        """The request's bytes. Raises Failure of kind "request" for headers not allowed."""
        made_of = (self.headers.block, cookie_line)
        if made_of != self._made_of:
            head = f"{self.method} {self.target} HTTP/1.1\r\n".encode() + self.origin.host_line
            self._message = head + made_of[0] + cookie_line + self._end()
            self._made_of = made_of
        return self._message

    def _end(self) -> bytes:
        """The body, its length before it."""
        if self.body is not None:
            return b"Content-Length: %d\r\n\r\n%b" % (len(self.body), self.body)
        return b"Content-Length: 0\r\n\r\n" if self.method in ("POST", "PUT", "PATCH") else b"\r\n"


def with_params(target: str, params: Params | None) -> str:
    """A request target with `params` added to its query, percent-encoded where it has to be."""
    if params:
        target, _, _ = target.partition("#")
        target += ("&" if "?" in target else "?") + urlencode(params, doseq=True)
    if target.isascii() and target.isprintable() and " " not in target and "#" not in target:
        return target
    return quote(target.partition("#")[0], safe=_TARGET_SAFE)


def encode_body(
    data: Body | None, json: Any, files: Mapping[str, File] | None
) -> tuple[bytes | None, dict[str, str]]:
    """The body, and the headers that describe it. As in Locust's clients, `data` goes before `json`."""
    if files:
        return _multipart(data, files)
    if isinstance(data, bytes):
        return data, {}
    if isinstance(data, str):
        return data.encode(), {}
    if data:
        form = urlencode(data, doseq=True).encode()
        return form, {"Content-Type": "application/x-www-form-urlencoded"}
    if json is not None:
        text = json_module.dumps(json, separators=(",", ":"))
        return text.encode(), {"Content-Type": "application/json"}
    return None, {}


def _multipart(data: Body | None, files: Mapping[str, File]) -> tuple[bytes, dict[str, str]]:
    """A form with files (RFC 7578)."""
    boundary = secrets.token_hex(16)
    pieces = []
    fields = data if isinstance(data, Mapping) else dict(data) if isinstance(data, list) else {}
    for field_name, value in fields.items():
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(field_name)}"\r\n\r\n'
        pieces.append(head.encode() + str(value).encode() + b"\r\n")
    for field_name, (file_name, content, *rest) in files.items():
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(field_name)}"; '
            f'filename="{_quoted(file_name)}"\r\n'
            f"Content-Type: {rest[0] if rest else 'application/octet-stream'}\r\n\r\n"
        )
        pieces.append(head.encode() + content + b"\r\n")
    pieces.append(f"--{boundary}--\r\n".encode())
    return b"".join(pieces), {"Content-Type": f"multipart/form-data; boundary={boundary}"}


def _quoted(name: str) -> str:
    """As browsers put a name into a quoted parameter (WHATWG form-data encoding)."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def redirected(order: Order, status: int, origin: Origin, target: str) -> Order:
    """The next hop: methods change as browsers change them, credentials stay with their origin."""
    method, body = order.method, order.body
    if (status == 303 and method != "HEAD") or (status in (301, 302) and method == "POST"):
        method, body = "GET", None
    headers = order.headers.copy()
    for name in ("If-None-Match", "If-Modified-Since"):
        headers.pop(name, None)
    if body is None:
        headers.pop("Content-Type", None)
    if origin is not order.origin:
        headers.pop("Authorization", None)
    return Order(method, origin, target, headers, body, order.on_data)


def basic_auth(user: str, password: str) -> str:
    """The Authorization header's value for HTTP basic authentication."""
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode("ascii")


def split_credentials(url: str) -> tuple[str, str | None]:
    """A base URL without its user and password, and the Authorization header that they make."""
    parts = urlsplit(url.rstrip("/"))
    if not (parts.username and parts.password):
        return url.rstrip("/"), None
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    return bare, basic_auth(unquote(parts.username), unquote(parts.password))
