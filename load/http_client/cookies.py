"""Cookies of one user, by RFC 6265: domain, path, expiry and Secure. Most requests reuse a built header."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime

_MAX_COOKIES = 300
_MAX_COOKIE_BYTES = 4096


@dataclass(slots=True)
class Cookie:
    """One stored cookie (RFC 6265 section 5.3). `expires_s` is on the jar's clock; None lasts the session."""

    name: str
    value: str
    domain: str
    path: str
    host_only: bool
    secure: bool
    expires_s: float | None


class CookieJar:
    """What one user's browser remembers. Not shared between users."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._cookies: dict[tuple[str, str, str], Cookie] = {}
        self._headers: dict[tuple[str, str, bool], bytes] = {}
        self._next_expiry_s = float("inf")

    def __len__(self) -> int:
        self._drop_expired()
        return len(self._cookies)

    def get(self, name: str, default: str | None = None) -> str | None:
        """The value of the first cookie of that name, whatever its domain; `default` if there is none."""
        self._drop_expired()
        return next((c.value for c in self._cookies.values() if c.name == name), default)

    def set(self, name: str, value: str, *, domain: str, path: str = "/", secure: bool = False) -> None:
        """Plant a session cookie for `domain` alone, as if its server had set it."""
        self._store(Cookie(name, value, domain.lower(), path, True, secure, None))

    def clear(self) -> None:
        """Forget everything."""
        self._cookies.clear()
        self._forget_headers()

    def header_for(self, host: str, target: str, secure: bool) -> bytes:
        """The `Cookie` line (with its CRLF) for a request, empty if no cookie applies.

        `target` is the request's path, with or without its query.
        """
        if not self._cookies:
            return b""
        if self._clock() >= self._next_expiry_s:
            self._drop_expired()
        path = target.partition("?")[0]
        key = (host, path, secure)
        header = self._headers.get(key)
        if header is None:
            if len(self._headers) > 64:  # a scenario with a path per row must not grow this without end
                self._headers.clear()
            header = self._headers[key] = self._build_header(host.lower(), path, secure)
        return header

    def store_lines(self, lines: bytes, host: str, target: str, secure: bool) -> None:
        """Take the values of an answer's Set-Cookie headers, separated by line breaks."""
        for line in lines.split(b"\n"):
            self._store_line(line.decode("utf-8", "replace"), host.lower(), target.partition("?")[0], secure)

    def _build_header(self, host: str, path: str, secure: bool) -> bytes:
        fitting = [
            cookie
            for cookie in self._cookies.values()
            if (host == cookie.domain or (not cookie.host_only and _is_subdomain(host, cookie.domain)))
            and _path_matches(path, cookie.path)
            and (secure or not cookie.secure)
        ]
        if not fitting:
            return b""
        # Longer paths first; the sort is stable, so earlier cookies come first among equals (5.4.2).
        fitting.sort(key=lambda cookie: -len(cookie.path))
        text = "; ".join(f"{c.name}={c.value}" if c.name else c.value for c in fitting)
        return b"Cookie: " + text.encode() + b"\r\n"

    def _store_line(self, line: str, host: str, request_path: str, secure: bool) -> None:
        pair, _, rest = line.partition(";")
        name, equals, value = pair.partition("=")
        if not equals:
            name, value = "", name
        name, value = name.strip(), value.strip()
        if not (name or value) or len(name) + len(value) > _MAX_COOKIE_BYTES or _has_control(name + value):
            return
        attributes = _attributes(rest)
        domain = attributes.get("domain", "").lstrip(".").lower()
        if domain and domain != host and not _may_set_for(host, domain):
            return
        if "secure" in attributes and not secure:
            return
        path = attributes.get("path", "")
        cookie = Cookie(
            name=name,
            value=value,
            domain=domain or host,
            path=path if path.startswith("/") else _default_path(request_path),
            host_only=not domain,
            secure="secure" in attributes,
            expires_s=self._expiry_s(attributes),
        )
        if _prefix_allows(cookie):
            self._store(cookie)

    def _expiry_s(self, attributes: dict[str, str]) -> float | None:
        """Max-Age wins over Expires; what cannot be read is as if it were not there (5.2.1, 5.2.2)."""
        max_age = attributes.get("max-age", "")
        if max_age.removeprefix("-").isdecimal() and max_age.isascii():
            seconds = int(max_age[:12])
            return self._clock() + seconds if seconds > 0 else float("-inf")
        if "expires" in attributes:
            try:
                return parsedate_to_datetime(attributes["expires"]).timestamp()
            except (ValueError, TypeError, OverflowError):
                return None
        return None

    def _store(self, cookie: Cookie) -> None:
        key = (cookie.domain, cookie.path, cookie.name)
        if cookie.expires_s is not None and cookie.expires_s <= self._clock():
            if self._cookies.pop(key, None):
                self._forget_headers()
            return
        known = self._cookies.get(key)
        if known is not None and replace(known, expires_s=cookie.expires_s) == cookie:
            # A server that renews its cookie in every answer (a rolling session) costs no rebuilt header.
            known.expires_s = cookie.expires_s
            self._next_expiry_s = min(self._next_expiry_s, cookie.expires_s or float("inf"))
            return
        self._cookies[key] = cookie
        if len(self._cookies) > _MAX_COOKIES:
            del self._cookies[next(iter(self._cookies))]
        self._forget_headers()

    def _drop_expired(self) -> None:
        now_s = self._clock()
        expired = [k for k, c in self._cookies.items() if c.expires_s is not None and c.expires_s <= now_s]
        for key in expired:
            del self._cookies[key]
        if expired:
            self._forget_headers()

    def _forget_headers(self) -> None:
        self._headers.clear()
        expiries = (c.expires_s for c in self._cookies.values() if c.expires_s is not None)
        self._next_expiry_s = min(expiries, default=float("inf"))


def _attributes(text: str) -> dict[str, str]:
    """Attribute names in lower case to values; the last of a repeated one counts (5.3)."""
    pairs = (part.partition("=") for part in text.split(";"))
    return {key.strip().lower(): value.strip() for key, _, value in pairs}


def _has_control(text: str) -> bool:
    return any(ord(character) < 32 or ord(character) == 127 for character in text)


def _is_subdomain(host: str, domain: str) -> bool:
    return host.endswith("." + domain) and not _is_address(host)


def _may_set_for(host: str, domain: str) -> bool:
    """A host may set cookies for a parent domain, but not for a whole top-level domain."""
    return "." in domain and _is_subdomain(host, domain)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _path_matches(path: str, cookie_path: str) -> bool:
    """RFC 6265 section 5.1.4."""
    if not path.startswith(cookie_path):
        return False
    return len(path) == len(cookie_path) or cookie_path.endswith("/") or path[len(cookie_path)] == "/"


def _default_path(request_path: str) -> str:
    """The directory of the request's path (5.1.4)."""
    return request_path[: request_path.rfind("/")] or "/" if request_path.startswith("/") else "/"


def _prefix_allows(cookie: Cookie) -> bool:
    """The name prefixes that browsers enforce (RFC 6265bis section 4.1.3)."""
    if cookie.name.startswith("__Host-"):
        return cookie.secure and cookie.host_only and cookie.path == "/"
    return cookie.secure or not cookie.name.startswith("__Secure-")
