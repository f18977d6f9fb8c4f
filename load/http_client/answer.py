"""An HTTP/1.1 answer as llhttp reads it: where it ends, and everything that must not happen on the way."""

from __future__ import annotations

from typing import Any, Final

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from load.failure import Failure

_MAX_HEADER_BYTES: Final = 65536


class Answer:
    """Fed with what a connection receives. `complete` says when the answer to the request has ended.

    One lasts as long as its connection, and is made ready for each next answer by `expect`.
    """

    __slots__ = (
        "_bound",
        "_excess",
        "_feed",
        "_headers_done",
        "_is_head",
        "_max_bytes",
        "_parser",
        "body",
        "complete",
        "headers",
        "keep_alive",
        "received",
        "status",
    )

    def __init__(self, max_bytes: int) -> None:
        """`max_bytes` bounds one whole answer on the wire."""
        self._max_bytes = max_bytes
        self._is_head = False
        self._new_parser()
        self.expect(False)

    def expect(self, is_head: bool) -> None:
        """Begin anew; `is_head` for the answer to a HEAD, which ends with its headers."""
        if self._is_head:
            self._new_parser()  # the old one may still wait for the body that the headers announced
        self._is_head = is_head
        self._headers_done = self._excess = False
        self._bound = _MAX_HEADER_BYTES
        self.complete = self.keep_alive = False
        self.status = self.received = 0
        self.headers: dict[bytes, bytes] = {}
        """By lower-case name; repeated ones joined by ", ", Set-Cookie by line breaks."""
        self.body: list[bytes] = []
        """Its pieces, chunked coding removed."""

    def feed(self, data: bytes) -> None:
        """Take what was received. Raises Failure of kind "protocol" or "too large"."""
        self.received += len(data)
        try:
            self._feed(data)
        except (HttpParserError, HttpParserUpgrade) as problem:
            if not self.complete:
                raise Failure("protocol", _reason(problem)) from None
            self._excess = True
        if self._excess:
            raise Failure("protocol", "more bytes after the end of the answer")
        if self.received > self._bound:
            what = "the answer" if self._headers_done else "headers"
            raise Failure("too large", f"{what} over {self._bound} bytes")

    def end_of_stream(self) -> None:
        """The peer hung up. Raises Failure of kind "closed early" unless that is how the answer ends."""
        if not self._headers_done:
            where = (
                f"after {self.received} bytes, within the headers" if self.received else "without an answer"
            )
            raise Failure("closed early", where)
        coding = self.headers.get(b"transfer-encoding")
        if b"content-length" in self.headers or (coding is not None and b"chunked" in coding.lower()):
            raise Failure("closed early", f"after {self.received} bytes, within the body")
        self.complete = True
        self.keep_alive = False

    def _new_parser(self) -> None:
        self._parser: Any = HttpResponseParser(self)
        self._feed = self._parser.feed_data

    # llhttp calls these, by name.

    def on_message_begin(self) -> None:
        """The first byte of a message; after a complete one, of something that nobody asked for."""
        if self.complete:
            self._excess = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, or a trailer, which changes nothing that the headers said but may bring timings."""
        name = name.lower()
        if self._headers_done and name != b"server-timing":
            return
        headers = self.headers
        if name in headers:
            value = headers[name] + (b"\n" if name == b"set-cookie" else b", ") + value
        headers[name] = value

    def on_headers_complete(self) -> None:
        """The end of the headers; those of an interim answer (1xx) are dropped."""
        if self._excess:
            return
        parser = self._parser
        status = parser.get_status_code()
        if status < 200:
            self.headers = {}
            return
        self.status = status
        self._headers_done = True
        self._bound = self._max_bytes
        self.keep_alive = parser.should_keep_alive()
        if self._is_head:
            self.complete = True
            # llhttp takes a HEAD's answer without Content-Length for one that lasts until the end.
            closing = b"close" in self.headers.get(b"connection", b"").lower()
            self.keep_alive = parser.get_http_version() == "1.1" and not closing

    def on_body(self, data: bytes) -> None:
        """A piece of the body."""
        if self._is_head:
            self._excess = True
        else:
            self.body.append(data)

    def on_message_complete(self) -> None:
        """The end of a message, be it an interim one."""
        if self._headers_done and not self._excess:
            self.complete = True


def _reason(problem: Exception) -> str:
    if isinstance(problem, HttpParserUpgrade):
        return "switched protocols without being asked"
    return str(problem)
