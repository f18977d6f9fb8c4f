"""An answer as a scenario sees it, and as a `with` block that decides whether it was a success."""

from __future__ import annotations

import datetime
import json
import zlib
from collections.abc import Sequence
from email.message import Message
from types import TracebackType
from typing import TYPE_CHECKING, Any

from locust.exception import CatchResponseError, LocustError, ResponseError

from load.control_flow import CONTROL_FLOW
from load.failure import Failure
from load.http_client.headers import Headers
from load.server_timing import server_timing_us

if TYPE_CHECKING:
    from load.http_client.client import HttpClient

_NO_HEADERS: dict[bytes, bytes] = {}


class Response:
    """The outcome of a request, whatever it was: after a failure `status_code` is 0 and `error` says why.

    With `catch_response=True` it is a context manager, and counts when the block is left: as failed if
    `failure(...)` was called, as succeeded if `success()` was, and otherwise by its own outcome.
    """

    url = ""
    """As it was asked for, complete; after redirects the last one."""
    status_code = 0
    error: Exception | None = None
    content: bytes | None = None
    """The body, uncompressed; None where no answer came."""
    raw_headers: dict[bytes, bytes] = _NO_HEADERS
    """By lower-case name; `headers` is the comfortable view of them."""
    bytes_received = 0
    """On the wire: status line, headers and body as it came, of every hop."""
    history: Sequence[Response] = ()
    """The answers that redirected here, first to last."""
    from_cache = False
    """Whether the body came from the user's browser cache, with or without a revalidation."""
    encoding: str | None = None
    """Set it to read `text` in another encoding than the answer's own."""
    context: dict[str, Any] | None = None
    js: Any = None
    _verdict: bool | Exception | None = None
    _entered = False

    def __init__(
        self, client: HttpClient, method: str, name: str, kind: str, is_caught: bool, started_s: float
    ) -> None:
        self._client = client
        self._is_caught = is_caught
        self.method = method
        self.name = name
        self.kind = kind
        self.started_s = self.ended_s = started_s
        """Both on time.perf_counter."""

    def __repr__(self) -> str:
        return f"<Response {self.method} {self.url} {self.error or self.status_code}>"

    @property
    def response_time_us(self) -> float:
        """From the call to the end of the answer, unrounded, connecting and redirects included."""
        return (self.ended_s - self.started_s) * 1e6

    @property
    def elapsed(self) -> datetime.timedelta:
        """`response_time_us` as requests' users know it."""
        return datetime.timedelta(seconds=self.ended_s - self.started_s)

    @property
    def headers(self) -> Headers:
        """The answer's headers, names in any case."""
        return Headers(self.raw_headers)

    @property
    def server_timing_us(self) -> dict[str, float]:
        """What the system said of its own time, by part (Server-Timing)."""
        return server_timing_us(self.raw_headers.get(b"server-timing", b"").decode("latin-1"))

    @property
    def ok(self) -> bool:
        """Whether it succeeded: an answer came, and its status is below 400."""
        return self.error is None

    @property
    def text(self) -> str:
        """The body as text: `encoding`, else the answer's charset, else UTF-8; never raises."""
        if not self.content:
            return ""
        try:
            return self.content.decode(self.encoding or self._charset(), "replace")
        except (LookupError, ValueError):  # no such charset, or one that Python has for other uses
            return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body parsed. Raises ValueError (json.JSONDecodeError) if it is not JSON."""
        return json.loads(self.content or b"")

    def fail(self, failure: Failure) -> None:
        """Turn it into one to which no usable answer came."""
        self.status_code = 0
        self.content = None
        self.error = failure

    def next_hop(self, method: str, url: str) -> Response:
        """The response to where this one redirected: the same request, as far as counting goes."""
        following = Response(self._client, method, self.name, self.kind, self._is_caught, self.started_s)
        following.url = url
        following.bytes_received = self.bytes_received
        following.context = self.context
        return following

    def raise_for_status(self) -> None:
        """Raise what it failed with, if it did."""
        if isinstance(self._verdict, Exception):
            raise self._verdict
        if self.error is not None and not self._verdict:
            raise self.error

    def success(self) -> None:
        """Count it as succeeded, whatever its status."""
        self._require_block()
        self._verdict = True

    def failure(self, why: str | Exception) -> None:
        """Count it as failed, with the reason given."""
        self._require_block()
        self._verdict = why if isinstance(why, Exception) else CheckFailed(str(why))

    def __enter__(self) -> Response:
        if not self._is_caught:
            raise LocustError(
                "In order to use a with-block for requests, you must also pass catch_response=True"
            )
        self._entered = True
        return self

    def __exit__(
        self, exc: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        verdict = self._verdict
        if verdict is None and isinstance(value, ResponseError):
            # Locust's own way to fail a request from within the block; it goes no further.
            self._client.report(self, value)
            return True
        if verdict is None and isinstance(value, Exception) and not isinstance(value, CONTROL_FLOW):
            # The answer came and is counted, unlike in Locust's clients, before the task breaks off.
            verdict = Failure("check", f"{type(value).__name__}: {value}")
        if verdict is None:
            self._client.report(self, self.error)
        else:
            self._client.report(self, verdict if isinstance(verdict, Exception) else None)
        return False

    def _require_block(self) -> None:
        if not self._entered:
            raise LocustError(
                "success() and failure() need a with-block: "
                "with self.client.get(path, catch_response=True) as response: ..."
            )

    def _charset(self) -> str:
        content_type = self.raw_headers.get(b"content-type")
        if content_type is None or b"charset" not in content_type.lower():
            return "utf-8"
        message = Message()
        message["content-type"] = content_type.decode("latin-1")
        return message.get_content_charset("utf-8")


class CheckFailed(Failure, CatchResponseError):
    """What a scenario found wrong with an answer."""

    def __init__(self, detail: str) -> None:
        super().__init__("check", detail)

    def __str__(self) -> str:
        return self.detail

    def __reduce__(self) -> tuple[type[CheckFailed], tuple[str]]:  # type: ignore[override]
        return CheckFailed, (self.detail,)


def uncompressed(body: bytes, encoding: bytes, max_bytes: int) -> bytes:
    """A body without its content coding (gzip or deflate; several gzip members in a row are one body).

    Raises Failure of kind "protocol" if it is damaged or of a coding that was not asked for, and of kind
    "too large" if it would grow beyond `max_bytes`.
    """
    coding = encoding.strip().lower()
    if coding in (b"", b"identity"):
        return body
    if coding not in (b"gzip", b"x-gzip", b"deflate"):
        raise Failure("protocol", f"content-encoding {coding.decode('latin-1')!r} was not asked for")
    if not body:
        return b""
    plain = bytearray()
    rest = body
    while rest:
        # 47: gzip or zlib by its header; -15: the bare deflate that some servers send as "deflate".
        bare = coding == b"deflate" and (rest[0] & 0x0F) != 8
        inflater = zlib.decompressobj(-15 if bare else 47)
        try:
            plain += inflater.decompress(rest, max_bytes - len(plain) + 1)
        except zlib.error as problem:
            raise Failure("protocol", f"damaged {coding.decode()} body: {problem}") from None
        if len(plain) > max_bytes:
            raise Failure("too large", f"body over {max_bytes} bytes once uncompressed")
        if not inflater.eof:
            raise Failure("protocol", f"{coding.decode()} body breaks off")
        rest = inflater.unused_data
    return bytes(plain)
