"""One user's browser cache: what may be used again, and what has to be asked for with a condition.

The private cache of RFC 9111, kept to what test traffic needs: GET, status 200, freshness from max-age
or Expires, validators from ETag and Last-Modified, Vary. No heuristic freshness: an answer that states
none is revalidated.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

Raw = dict[bytes, bytes]

_bodies: OrderedDict[bytes, bytes] = OrderedDict()
_SHARED_BODIES = 2048


@dataclass(slots=True)
class CacheCounts:
    """What the cache was asked and what it saved."""

    fresh: int = 0
    """Answered without any request."""
    revalidated: int = 0
    """Asked with a condition and answered 304."""
    missed: int = 0
    """Fetched whole, of what may be kept."""
    bytes_saved: int = 0
    """Body bytes that did not travel."""

    def figures(self) -> dict[str, int]:
        """As the report knows them: what was asked of a server missed the cache, be it only for a 304."""
        return {
            "browser_cache.hits": self.fresh,
            "browser_cache.misses": self.revalidated + self.missed,
            "browser_cache.revalidated": self.revalidated,
            "browser_cache.bytes_saved": self.bytes_saved,
        }


everyone = CacheCounts()
"""The counts of all caches of this process together."""


@dataclass(slots=True)
class Entry:
    """A stored answer. `fresh_until_s` is on the cache's clock; `vary` holds the request's own values."""

    headers: Raw
    body: bytes
    fresh_until_s: float
    vary: dict[str, str | None]


class BrowserCache:
    """Not shared between users; equal bodies are, so that a thousand users keep one copy of an asset."""

    def __init__(self, max_bytes: int = 16 * 2**20, clock: Callable[[], float] = time.time) -> None:
        self.counts = CacheCounts()
        self._clock = clock
        self._max_bytes = max_bytes
        self._bytes = 0
        self._entries: OrderedDict[str, Entry] = OrderedDict()

    def clear(self) -> None:
        """Forget everything, as a new visitor would."""
        self._entries.clear()
        self._bytes = 0

    def find(self, url: str, request_headers: Mapping[str, str]) -> tuple[Entry | None, bool]:
        """The stored answer for a GET and whether it is fresh; (None, False) if there is none."""
        entry = self._entries.get(url)
        if entry is None or any(request_headers.get(name) != value for name, value in entry.vary.items()):
            return None, False
        self._entries.move_to_end(url)
        return entry, self._clock() < entry.fresh_until_s

    @staticmethod
    def conditions(entry: Entry) -> dict[str, str]:
        """The request headers that ask whether a stored answer still holds; empty without a validator."""
        conditions = {}
        if b"etag" in entry.headers:
            conditions["If-None-Match"] = entry.headers[b"etag"].decode("latin-1")
        if b"last-modified" in entry.headers:
            conditions["If-Modified-Since"] = entry.headers[b"last-modified"].decode("latin-1")
        return conditions

    def used(self, entry: Entry) -> None:
        """Count an answer that needed no request."""
        for counts in (self.counts, everyone):
            counts.fresh += 1
            counts.bytes_saved += len(entry.body)

    def still_valid(self, entry: Entry, headers: Raw) -> None:
        """Take a 304's headers into the stored answer (RFC 9111 section 4.3.4)."""
        entry.headers = {**entry.headers, **{k: v for k, v in headers.items() if k != b"content-length"}}
        entry.fresh_until_s = self._fresh_until_s(entry.headers)
        for counts in (self.counts, everyone):
            counts.revalidated += 1
            counts.bytes_saved += len(entry.body)

    def store(self, url: str, request_headers: Mapping[str, str], headers: Raw, body: bytes) -> None:
        """Keep a 200 answer if it may be kept and could be of use; otherwise forget what was there."""
        self._forget(url)
        vary = headers.get(b"vary", b"").decode("latin-1")
        fresh_until_s = self._fresh_until_s(headers)
        useful = fresh_until_s > self._clock() or b"etag" in headers or b"last-modified" in headers
        if "no-store" in _directives(headers) or "*" in vary or not useful or len(body) > self._max_bytes:
            return
        self.counts.missed += 1
        everyone.missed += 1
        names = (name.strip() for name in vary.split(",") if name.strip())
        varies = {name: request_headers.get(name) for name in names}
        self._entries[url] = Entry(headers, _share(body), fresh_until_s, varies)
        self._bytes += len(body)
        while self._bytes > self._max_bytes:
            self._forget(next(iter(self._entries)))

    def invalidate(self, url: str) -> None:
        """Forget an address that an unsafe method has changed (RFC 9111 section 4.4)."""
        self._forget(url)

    def _forget(self, url: str) -> None:
        entry = self._entries.pop(url, None)
        if entry is not None:
            self._bytes -= len(entry.body)

    def _fresh_until_s(self, headers: Raw) -> float:
        directives = _directives(headers)
        now_s = self._clock()
        if "no-cache" in directives:
            return now_s
        age_s = _whole_seconds(headers.get(b"age", b"").decode("latin-1")) or 0
        if "max-age" in directives:
            return now_s + (_whole_seconds(directives["max-age"]) or 0) - age_s
        if b"expires" in headers:
            expires_s = _http_date_s(headers[b"expires"])
            date_s = _http_date_s(headers.get(b"date", b""))
            if expires_s is not None:
                return now_s + expires_s - (now_s if date_s is None else date_s) - age_s
        return now_s


def _directives(headers: Raw) -> dict[str, str]:
    text = headers.get(b"cache-control", b"").decode("latin-1")
    pairs = (part.partition("=") for part in text.split(","))
    return {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}


def _whole_seconds(text: str) -> int | None:
    return int(text[:12]) if text.isascii() and text.isdecimal() else None


def _http_date_s(value: bytes) -> float | None:
    try:
        return parsedate_to_datetime(value.decode("latin-1")).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def _share(body: bytes) -> bytes:
    """The one copy of equal bodies in this process."""
    shared = _bodies.setdefault(body, body)
    if len(_bodies) > _SHARED_BODIES:
        _bodies.popitem(last=False)
    return shared
