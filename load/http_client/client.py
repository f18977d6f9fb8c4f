"""The client that a scenario's `self.client` is: requests by path, timed and counted, each once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from load import recorder
from load.counting import Counting
from load.failure import Failure, kind_of
from load.http_client.browser_cache import BrowserCache
from load.http_client.cookies import CookieJar
from load.http_client.headers import RequestHeaders
from load.http_client.order import (
    REDIRECTS,
    Body,
    File,
    Order,
    Params,
    basic_auth,
    encode_body,
    split_credentials,
    with_params,
)
from load.http_client.response import Response
from load.http_client.session import Options, Session

_MOST_PLAIN = 32
_DEFAULT_HEADERS = {"User-Agent": "harness", "Accept": "*/*", "Accept-Encoding": "gzip, deflate"}


class HttpClient:
    """One user's HTTP client. Several greenlets may use it at once, as a browser loads a page's assets.

    Every request is counted once: by the harness's recorder if one is active, else by Locust's request event.
    """

    def __init__(
        self,
        base_url: str | None = None,
        options: Options | None = None,
        *,
        request_event: Any = None,
        context: Callable[[], dict[str, Any]] | None = None,
    ) -> None:
        """`base_url` is put before paths; `request_event` and `context` are Locust's, of a user."""
        settings = options or Options()
        self.session = Session(settings)
        self.headers = RequestHeaders({**_DEFAULT_HEADERS, **settings.headers})
        """Sent with every request; a scenario may change them."""
        self.request_name: str | None = None
        self.counting = Counting(request_event, context)
        """For clients built on this one, which count in their own way."""
        self._event = request_event
        self._context = context
        self._timeout_s = settings.timeout_s
        self._follows = settings.allow_redirects
        self._plain: dict[tuple[str, str], Order] = {}
        """Requests of nothing but an address, which are most of them: what goes on the wire is made once."""
        self.base_url = ""
        if base_url:
            self.base_url, authorization = split_credentials(base_url)
            if authorization:
                self.headers["Authorization"] = authorization
            self._origin, base_path = self.session.locate(self.base_url + "/")
            self._base_path = base_path.rstrip("/")

    @property
    def cookies(self) -> CookieJar:
        """The user's cookies."""
        return self.session.cookies

    @property
    def cache(self) -> BrowserCache | None:
        """The user's browser cache, if it has one."""
        return self.session.cache

    def get(self, url: str, **options: Any) -> Response:
        """`request` with GET."""
        # Passing options on, even none, costs a tenth of what the client does for a request.
        return self.request("GET", url, **options) if options else self.request("GET", url)

    def head(self, url: str, **options: Any) -> Response:
        """`request` with HEAD."""
        return self.request("HEAD", url, **options)

    def options(self, url: str, **options: Any) -> Response:
        """`request` with OPTIONS."""
        return self.request("OPTIONS", url, **options)

    def post(self, url: str, data: Body | None = None, json: Any = None, **options: Any) -> Response:
        """`request` with POST."""
        return self.request("POST", url, data=data, json=json, **options)

    def put(self, url: str, data: Body | None = None, **options: Any) -> Response:
        """`request` with PUT."""
        return self.request("PUT", url, data=data, **options)

    def patch(self, url: str, data: Body | None = None, **options: Any) -> Response:
        """`request` with PATCH."""
        return self.request("PATCH", url, data=data, **options)

    def delete(self, url: str, **options: Any) -> Response:
        """`request` with DELETE."""
        return self.request("DELETE", url, **options)

    def request(
        self,
        method: str,
        url: str,
        name: str | None = None,
        data: Body | None = None,
        json: Any = None,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        files: Mapping[str, File] | None = None,
        auth: tuple[str, str] | None = None,
        catch_response: bool = False,
        allow_redirects: bool | None = None,
        timeout: float | None = None,
        cache: bool | None = None,
        context: dict[str, Any] | None = None,
        kind: str = "http",
        on_data: Callable[[bytes], None] | None = None,
    ) -> Response:
        """Make a request and count it. Never raises for what the network or the server did.

        What the user's browser cache holds fresh is answered without a request, and counts as none.

        `url` is a path below the base URL, or absolute. `name` is what it is counted as (default: `url`
        as given) and `kind` the sort of endpoint. `data` is bytes, text, or a form; `json` any JSON value;
        `files` a multipart form's files by field. `timeout` in seconds, `allow_redirects` and `cache`
        override the client's options for this request. `on_data` takes the body's pieces as they come;
        `content` is then empty.
        """
        started_s = perf_counter()
        response = Response(self, method, name or self.request_name or url, kind, catch_response, started_s)
        if context:
            response.context = context
        try:
            is_bare = data is None and json is None and params is None and headers is None
            if is_bare and files is None and auth is None and on_data is None:
                order = self._plain.get((method, url)) or self._plain_order(method, url)
            else:
                order = self._order(method, url, data, json, params, headers, files, auth, on_data)
            response.url = order.url
            deadline_s = started_s + (self._timeout_s if timeout is None else timeout)
            browser = self.session.cache if cache is None else self._browser(cache)
            if browser is not None and self.session.recall(response, order, browser):
                return response
            active = recorder.active
            if active is not None:
                active.begin(response.name, kind, started_s)
            if browser is None:
                self.session.fetch(response, order, deadline_s)
            else:
                self.session.hop(response, order, deadline_s, browser)
            if response.status_code >= 300:
                follows = self._follows if allow_redirects is None else allow_redirects
                response = self._settle(response, order, deadline_s, browser, follows)
        except Failure as failure:
            response.fail(failure)
        response.ended_s = perf_counter()
        if not catch_response:
            self.report(response, response.error)
        return response

    def _settle(
        self, response: Response, order: Order, deadline_s: float, browser: BrowserCache | None, follows: bool
    ) -> Response:
        """What an answer of status 300 or above comes to: where it leads, and a failure from 400 on."""
        if follows and response.status_code in REDIRECTS:
            response = self.session.follow(response, order, deadline_s, browser)
        if response.status_code >= 400:
            response.error = Failure(f"status {response.status_code}", response.url)
        return response

    @contextmanager
    def rename_request(self, name: str) -> Iterator[None]:
        """Count every request within the block as `name`."""
        before, self.request_name = self.request_name, name
        try:
            yield
        finally:
            self.request_name = before

    def close(self) -> None:
        """Close every idle connection."""
        self.session.close()

    def report(self, response: Response, problem: Exception | None) -> None:
        """Count a request's outcome. For a caught response its `with` block calls this."""
        if response.from_cache and not response.bytes_received and problem is None:
            return
        active = recorder.active
        if active is None:
            if self._event is not None:
                self._fire(response, problem)
            return
        timing = response.raw_headers.get(b"server-timing")
        active.record(
            response.name,
            response.kind,
            response.started_s,
            response.ended_s,
            response.bytes_received,
            "" if problem is None else kind_of(problem),
            "" if problem is None else str(problem),
            "" if timing is None else timing.decode("latin-1"),
        )

    def _fire(self, response: Response, problem: Exception | None) -> None:
        context = self._context() if self._context else {}
        self._event.fire(
            request_type=response.method,
            name=response.name,
            response_time=response.response_time_us / 1000,
            response_length=len(response.content or b""),
            response=response,
            context={**context, **response.context} if response.context else context,
            exception=problem,
            start_time=time.time() - (perf_counter() - response.started_s),
            url=response.url,
        )

    def _plain_order(self, method: str, url: str) -> Order:
        if len(self._plain) >= _MOST_PLAIN:  # a scenario with a path per row must not grow this without end
            self._plain.clear()
        order = self._plain[method, url] = self._order(method, url)
        return order

    def _order(
        self,
        method: str,
        url: str,
        data: Body | None = None,
        json: Any = None,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        files: Mapping[str, File] | None = None,
        auth: tuple[str, str] | None = None,
        on_data: Callable[[bytes], None] | None = None,
    ) -> Order:
        if url.startswith("/") and self.base_url:
            origin, target = self._origin, self._base_path + url
        elif "://" in url.partition("?")[0]:
            origin, target = self.session.locate(url)
        elif self.base_url:
            origin, target = self._origin, f"{self._base_path}/{url}"
        else:
            raise Failure("request", f"{url!r} needs a base URL")
        order = Order(method, origin, with_params(target, params), self.headers, on_data=on_data)
        described: dict[str, str] = {}
        if data is not None or json is not None or files:
            order.body, described = encode_body(data, json, files)
        if auth:
            described["Authorization"] = basic_auth(*auth)
        if headers or described:
            order.headers = self.headers.copy()
            order.headers.update(described)
            order.headers.update(headers or {})
        return order

    def _browser(self, cache: bool) -> BrowserCache | None:
        """The browser cache for a request that says whether it wants one."""
        if cache and self.session.cache is None:
            self.session.cache = BrowserCache()
        return self.session.cache if cache else None
