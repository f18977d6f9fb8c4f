"""One user's standing with the servers: open connections, cookies, browser cache. Carries orders out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any, Final

from load.failure import Failure
from load.http_client.answer import Answer
from load.http_client.browser_cache import BrowserCache, Entry
from load.http_client.connection import StaleError
from load.http_client.cookies import CookieJar
from load.http_client.order import REDIRECTS, Order, redirected, with_params
from load.http_client.origin import Address, Limits, Origin
from load.http_client.response import Response, uncompressed
from load.http_client.tls import context_for

_IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})


@dataclass
class Options:
    """How a client behaves. Times in seconds."""

    timeout_s: float = 60.0
    """For a whole request: connecting, redirects and the last byte of the body included."""
    connect_timeout_s: float = 60.0
    verify: bool = True
    """Whether TLS certificates must be good."""
    ca_file: str | None = None
    """A PEM file with the authorities to trust instead of the system's."""
    tls_context: Callable[[], Any] | None = None
    """Makes an ssl.SSLContext, where `verify` and `ca_file` do not say enough."""
    max_response_bytes: int = 64 * 2**20
    """Above it an answer counts as failed, on the wire and uncompressed."""
    allow_redirects: bool = False
    max_redirects: int = 30
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent with every request."""
    browser_cache: bool = False
    """Keep answers as a browser would, and ask again with conditions."""


class Session:
    """Fills responses; raises Failure where no answer can be had. Counts nothing."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.cookies = CookieJar()
        self.cache: BrowserCache | None = BrowserCache() if options.browser_cache else None
        self._origins: dict[Address, Origin] = {}
        self._limits = Limits(options.connect_timeout_s, options.max_response_bytes)

    def close(self) -> None:
        """Close every idle connection."""
        for origin in self._origins.values():
            origin.close()

    def locate(self, url: str, base: str = "") -> tuple[Origin, str]:
        """The origin and the target of an absolute URL, or of one seen from `base`."""
        address, target = Address.parse(url, base)
        origin = self._origins.get(address)
        if origin is None:
            origin = self._origins[address] = Origin(address, self._limits, self._tls_context)
        return origin, target

    def recall(self, response: Response, order: Order, browser: BrowserCache) -> bool:
        """Fill `response` from the browser's cache if that holds a fresh answer; whether it did."""
        if order.method != "GET" or order.on_data is not None:
            return False
        entry, is_fresh = browser.find(order.url, order.headers)
        if entry is None or not is_fresh:
            return False
        browser.used(entry)
        _answer_from(response, entry)
        return True

    def hop(self, response: Response, order: Order, deadline_s: float, browser: BrowserCache | None) -> None:
        """Fill `response` from the browser's cache or the network, by `deadline_s` on time.perf_counter."""
        if browser is None or order.on_data is not None:
            self.fetch(response, order, deadline_s)
        elif order.method == "GET":
            self._browse(response, order, deadline_s, browser)
        else:
            self.fetch(response, order, deadline_s)
            if order.method not in ("HEAD", "OPTIONS") and response.status_code < 400:
                browser.invalidate(response.url)

    def follow(
        self, response: Response, order: Order, deadline_s: float, browser: BrowserCache | None
    ) -> Response:
        """Go where the answers lead; the last answer carries the chain's history and all its bytes."""
        history: list[Response] = []
        while response.status_code in REDIRECTS and b"location" in response.raw_headers:
            if len(history) >= self.options.max_redirects:
                raise Failure("redirects", f"more than {self.options.max_redirects}")
            history.append(response)
            location = response.raw_headers[b"location"].decode("utf-8", "replace")
            origin, target = self.locate(location, response.url)
            order = redirected(order, response.status_code, origin, with_params(target, None))
            response = response.next_hop(order.method, order.url)
            self.hop(response, order, deadline_s, browser)
        response.history = history
        return response

    def _browse(self, response: Response, order: Order, deadline_s: float, browser: BrowserCache) -> None:
        if self.recall(response, order, browser):
            return
        sent = order.headers
        entry, _ = browser.find(response.url, sent)
        if entry is not None:
            order = replace(order, headers=sent.copy())
            order.headers.update(browser.conditions(entry))
        self.fetch(response, order, deadline_s)
        if entry is not None and response.status_code == 304:
            browser.still_valid(entry, response.raw_headers)
            _answer_from(response, entry)
        elif response.status_code == 200 and response.content is not None:
            browser.store(response.url, sent, response.raw_headers, response.content)

    def fetch(self, response: Response, order: Order, deadline_s: float) -> None:
        """Fill `response` from the network, by `deadline_s` on time.perf_counter."""
        origin, cookies = order.origin, self.cookies
        cookie_line = cookies.header_for(origin.host, order.target, origin.secure)
        answer = self._exchange(origin, order, order.message(cookie_line), deadline_s)
        headers = response.raw_headers = answer.headers
        response.status_code = answer.status
        response.bytes_received += answer.received
        body = answer.body
        response.content = body[0] if len(body) == 1 else b"".join(body)
        if b"set-cookie" in headers:
            cookies.store_lines(headers[b"set-cookie"], origin.host, order.target, origin.secure)
        if b"content-encoding" in headers and order.on_data is None:
            limit = self.options.max_response_bytes
            response.content = uncompressed(response.content, headers[b"content-encoding"], limit)

    def _exchange(self, origin: Origin, order: Order, message: bytes, deadline_s: float) -> Answer:
        """Send on a kept connection if there is one; once more on a new one if it proved stale."""
        is_head = order.method == "HEAD"
        connection = origin.kept()
        if connection is not None:
            try:
                answer = connection.exchange(message, is_head, deadline_s, order.on_data)
            except StaleError:
                if order.method not in _IDEMPOTENT:
                    raise
            else:
                origin.give_back(connection)
                return answer
        connection = origin.connect(deadline_s - perf_counter())
        answer = connection.exchange(message, is_head, deadline_s, order.on_data)
        origin.give_back(connection)
        return answer

    def _tls_context(self) -> Any:
        if self.options.tls_context is not None:
            return self.options.tls_context()
        try:
            return context_for(self.options.ca_file, self.options.verify)
        except OSError as problem:
            raise Failure(
                "tls", f"cannot read the authorities in {self.options.ca_file}: {problem}"
            ) from None


def _answer_from(response: Response, entry: Entry) -> None:
    response.status_code = 200
    response.raw_headers = entry.headers
    response.content = entry.body
    response.from_cache = True
