"""One keep-alive connection: send a request, let llhttp parse the answer, never wait past the deadline.

What makes it light: the socket is read only once the loop says that there is something to read; one
watcher stays armed for the connection's whole life (which also notices a peer that hangs up in between);
and one libev timer is re-armed per request instead of creating a timeout each time.
"""

from __future__ import annotations

import _socket
from collections.abc import Callable
from time import perf_counter
from typing import Any, Final

from gevent import get_hub, getcurrent
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from load.failure import Failure
from load.http_client.tls import TlsStream

_READ_BYTES: Final = 65536
_MAX_HEADER_BYTES: Final = 65536
_READABLE, _WRITABLE, _TIMED_OUT = 1, 2, 3


class StaleError(Failure):
    """A kept connection turned out to be closed: nothing of the answer came. May be tried again."""


class Connection:
    """A connected socket with its parser. `exchange` leaves the answer in the attributes named below."""

    __slots__ = (
        "_bound",
        "_deadline_s",
        "_excess",
        "_feed",
        "_headers_done",
        "_hub",
        "_max_bytes",
        "_no_body",
        "_parser",
        "_period_s",
        "_reader",
        "_recv",
        "_send",
        "_sock",
        "_timer",
        "_tls",
        "_used",
        "_waiter",
        "body",
        "complete",
        "headers",
        "keep_alive",
        "received",
        "status",
    )

    def __init__(self, sock: _socket.socket, tls: TlsStream | None, max_bytes: int) -> None:
        """`sock` is connected and not of gevent's making; `max_bytes` bounds one whole answer on the wire."""
        sock.setblocking(False)
        self._sock = sock
        self._tls = tls
        self._send: Callable[[Any], int] = sock.send
        self._recv: Callable[[int], bytes] = sock.recv
        if tls:
            tls.attach(sock.send, sock.recv)
            self._send, self._recv = tls.send, tls.recv
        self._max_bytes = max_bytes
        self._hub = get_hub()
        self._waiter: Callable[[int], object] | None = None
        self._period_s = 0.0
        self._timer: Any = None
        self._used = False
        self._new_parser()
        self._reader: Any = self._hub.loop.io(sock.fileno(), 1)
        self._reader.start(self._on_readable)

        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.body: list[bytes] = []
        self.received = 0
        self.complete = False
        self.keep_alive = False

    @property
    def closed(self) -> bool:
        """Whether it can no longer be used, for instance because the peer hung up while it was idle."""
        return self._reader is None

    def close(self) -> None:
        """Give back the socket and its watchers. May be called twice."""
        if self._reader is None:
            return
        self._reader.close()
        self._reader = None
        if self._timer is not None:
            self._timer.close()
            self._timer = None
        self._sock.close()
        self._parser = self._feed = self._waiter = None

    def exchange(
        self,
        request: bytes,
        *,
        no_body: bool,
        timeout_s: float,
        on_data: Callable[[bytes], None] | None = None,
    ) -> None:
        """Send `request` and read its whole answer.

        `no_body` for HEAD, whose answer has headers only. `on_data` is given each piece of the body as it
        comes, which is then not kept. Raises Failure of kind "timeout", "reset", "closed early",
        "protocol" or "too large", and closes the connection with it; StaleError if it had been closed.
        """
        self.complete = self._headers_done = self._excess = False
        self.status = self.received = 0
        self.headers = {}
        self.body = []
        self._no_body = no_body
        self._bound = _MAX_HEADER_BYTES
        try:
            self._arm(timeout_s)
            self._send_all(request)
            while not self.complete:
                if self._wait() == _TIMED_OUT:
                    raise Failure("timeout", f"no whole answer within {timeout_s:g} s")
                self._read()
                if on_data is not None and self.body:
                    on_data(b"".join(self.body))
                    self.body = []
        except BaseException:
            self.close()
            raise
        if no_body:
            self._new_parser()  # the old one may still wait for the body that the headers announced
        self._used = True

    def _read(self) -> None:
        """Take what has come and parse it."""
        try:
            data = self._recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError as problem:
            raise self._gone("reset", str(problem)) from None
        if not data:
            self._end_of_stream()
            return
        self.received += len(data)
        try:
            self._feed(data)
        except (HttpParserError, HttpParserUpgrade) as problem:
            self._not_http(problem)
        if self._excess:
            raise Failure("protocol", "more bytes after the end of the answer")
        if self.received > self._bound:
            what = "body" if self._headers_done else "headers"
            raise Failure("too large", f"{what} over {self._bound} bytes")

    def _send_all(self, request: bytes) -> None:
        try:
            sent = self._send(request)
            if sent == len(request) and (self._tls is None or self._tls.flushed):
                return
        except BlockingIOError:
            sent = 0
        except OSError as problem:
            raise self._gone("reset", str(problem)) from None
        self._send_rest(memoryview(request)[sent:])

    def _send_rest(self, rest: memoryview) -> None:
        """Send as the peer takes it, and stop if it answers before it has taken everything."""
        writer = self._hub.loop.io(self._sock.fileno(), 2)
        writer.start(self._on_writable)
        try:
            while True:
                try:
                    if rest:
                        rest = rest[self._send(rest) :]
                        continue
                    if self._tls is not None:
                        self._send(b"")
                    return
                except BlockingIOError:
                    pass
                except OSError:
                    return  # it hung up; an answer may still have come before that
                event = self._wait()
                if event == _TIMED_OUT:
                    raise Failure("timeout", "the request was not taken in time")
                if event == _READABLE:
                    self._read()
                    if self.complete:
                        self.keep_alive = False
                        return
        finally:
            writer.close()

    def _wait(self) -> int:
        """Sleep until the socket is ready or the deadline has passed; says which."""
        self._waiter = getcurrent().switch
        try:
            event: int = self._hub.switch()
        finally:
            self._waiter = None
        return event

    def _arm(self, timeout_s: float) -> None:
        self._deadline_s = perf_counter() + timeout_s
        if timeout_s != self._period_s:
            self._new_timer(timeout_s)
        self._timer.again(self._on_timer, update=False)

    def _new_timer(self, period_s: float) -> None:
        if self._timer is not None:
            self._timer.close()
        self._timer = self._hub.loop.timer(period_s, period_s, ref=False)
        self._period_s = period_s

    # -- called by the event loop

    def _on_readable(self) -> None:
        waiter = self._waiter
        if waiter is not None:
            waiter(_READABLE)
            return
        # Nobody waits: the peer hung up, or sent something that nobody asked for.
        try:
            self._recv(_READ_BYTES)
        except BlockingIOError:
            return  # TLS housekeeping
        except OSError:
            pass
        self.close()

    def _on_writable(self) -> None:
        if self._waiter is not None:
            self._waiter(_WRITABLE)

    def _on_timer(self) -> None:
        waiter = self._waiter
        if waiter is None:
            self._timer.stop()
            return
        left_s = self._deadline_s - perf_counter()
        if left_s <= 0:
            waiter(_TIMED_OUT)
        else:  # re-arming reads the loop's cached clock, which is behind, so the timer fires early
            self._new_timer(left_s + 0.001)
            self._timer.again(self._on_timer)

    # -- called by the parser

    def on_message_begin(self) -> None:
        if self.complete:
            self._excess = True

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        headers = self.headers
        if self._headers_done and name != b"server-timing":
            return  # trailers do not change what the headers said
        if name in headers:
            value = headers[name] + (b"\n" if name == b"set-cookie" else b", ") + value
        headers[name] = value

    def on_headers_complete(self) -> None:
        if self._excess:
            return
        status = self._parser.get_status_code()
        if status >= 200:
            self.status = status
            self._headers_done = True
            self._bound = self._max_bytes
            self.keep_alive = self._parser.should_keep_alive()
            if self._no_body:
                self._complete_without_body()
        else:
            self.headers = {}

    def on_body(self, data: bytes) -> None:
        if self._no_body:
            self._excess = True
        else:
            self.body.append(data)

    def on_message_complete(self) -> None:
        if self._headers_done and not self._excess:
            self.complete = True

    # -- endings

    def _new_parser(self) -> None:
        self._parser: Any = HttpResponseParser(self)
        self._feed: Any = self._parser.feed_data

    def _complete_without_body(self) -> None:
        """A HEAD's answer ends here whatever its Content-Length says; llhttp cannot be told so."""
        self.complete = True
        self.keep_alive = b"close" not in self.headers.get(b"connection", b"").lower()
        self.keep_alive = self.keep_alive and self._parser.get_http_version() == "1.1"

    def _end_of_stream(self) -> None:
        if not self._headers_done:
            raise self._gone("closed early", f"after {self.received} bytes, within the headers")
        coding = self.headers.get(b"transfer-encoding")
        if b"content-length" in self.headers or (coding is not None and b"chunked" in coding.lower()):
            raise Failure("closed early", f"after {sum(map(len, self.body))} bytes of the body")
        self.complete = True
        self.keep_alive = False

    def _gone(self, kind: str, detail: str) -> Failure:
        """The failure for a connection that broke: stale if it was a kept one and nothing had come."""
        if self._used and not self.received:
            return StaleError(kind, "the kept connection was closed by the peer")
        if not self.received and kind == "closed early":
            detail = "without an answer"
        return Failure(kind, detail)

    def _not_http(self, problem: Exception) -> None:
        if self.complete:
            self._excess = True
            return
        if isinstance(problem, HttpParserUpgrade):
            raise Failure("protocol", "switched protocols without being asked") from None
        raise Failure("protocol", str(problem)) from None
