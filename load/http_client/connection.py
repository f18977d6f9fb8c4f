"""One keep-alive connection: send a request, take in its answer, never wait past the deadline.

What makes it light: the socket is read only once the loop says that there is something to read; one
watcher stays armed for the connection's whole life (which also notices a peer that hangs up in between);
and one libev timer serves many requests: it looks at the deadline of the one under way when it goes off.
"""

from __future__ import annotations

import _socket
import math
from collections.abc import Callable
from time import perf_counter
from typing import Any, Final

from gevent import get_hub, getcurrent

from load.failure import Failure
from load.http_client.answer import Answer
from load.http_client.tls import TlsStream

_READ_BYTES: Final = 16384
"""A larger piece costs more to set aside for each answer than a further read costs a long one."""
_READABLE, _WRITABLE, _TIMED_OUT = 1, 2, 3


class StaleError(Failure):
    """A kept connection turned out to be closed: nothing of the answer came. May be tried again."""


class Connection:
    """A connected socket. `exchange` leaves what came in `answer`."""

    __slots__ = (
        "_deadline_s",
        "_hub",
        "_is_used",
        "_reader",
        "_recv",
        "_send",
        "_sleep",
        "_sock",
        "_timer",
        "_timer_due_s",
        "_tls",
        "_waiter",
        "answer",
        "closed",
    )

    def __init__(self, sock: _socket.socket, tls: TlsStream | None, max_bytes: int) -> None:
        """`sock` is connected and not of gevent's making; `max_bytes` bounds one whole answer."""
        sock.setblocking(False)
        self._sock = sock
        self._tls = tls
        self._send: Callable[[Any], int] = sock.send
        self._recv: Callable[[int], bytes] = sock.recv
        if tls:
            tls.attach(sock.send, sock.recv)
            self._send, self._recv = tls.send, tls.recv
        self.answer = Answer(max_bytes)
        self.closed = False
        """Whether it can no longer be used, for instance because the peer hung up while it was idle."""
        self._is_used = False
        self._deadline_s = 0.0
        self._timer_due_s = math.inf
        self._waiter: Callable[[int], object] | None = None
        self._timer: Any = None
        self._hub = get_hub()
        self._sleep: Callable[[], int] = self._hub.switch
        """Until the socket is ready or the deadline has passed; says which."""
        self._reader: Any = self._hub.loop.io(sock.fileno(), 1)
        self._reader.start(self._on_readable)

    def close(self) -> None:
        """Give back the socket and its watchers. May be called twice."""
        if self.closed:
            return
        self.closed = True
        self._reader.close()
        if self._timer is not None:
            self._timer.close()
            self._timer = None
        self._sock.close()

    def exchange(
        self,
        request: bytes,
        is_head: bool,
        deadline_s: float,
        on_data: Callable[[bytes], None] | None = None,
    ) -> Answer:
        """Send `request` and read its whole answer by `deadline_s` on time.perf_counter.

        `on_data` is given each piece of the body as it comes, which is then not kept. Raises Failure of
        kind "timeout", "reset", "closed early", "protocol" or "too large", and closes the connection with
        it; StaleError if the connection had been closed before.
        """
        answer = self.answer
        answer.expect(is_head)
        try:
            self._deadline_s = deadline_s
            if deadline_s < self._timer_due_s:
                self._set_timer(deadline_s)
            self._waiter = getcurrent().switch
            self._send_all(request)
            while not answer.complete:
                if self._sleep() == _TIMED_OUT:
                    raise Failure(
                        "timeout", f"the answer was not complete in time ({answer.received} bytes came)"
                    )
                self._read()
                if on_data is not None and answer.body:
                    self._pass_on(on_data)
        except BaseException:
            self._waiter = None
            self.close()
            raise
        self._waiter = None
        self._is_used = True
        return answer

    def _pass_on(self, on_data: Callable[[bytes], None]) -> None:
        """Give away what has come of the body. The scenario's code may sleep: what comes meanwhile waits."""
        pieces, self.answer.body = self.answer.body, []
        self._waiter = None
        self._reader.stop()
        on_data(b"".join(pieces))
        self._reader.start(self._on_readable)
        self._waiter = getcurrent().switch
        if self._deadline_s < self._timer_due_s and not self.answer.complete:
            self._set_timer(self._deadline_s)

    def _read(self) -> None:
        """Take in what has come."""
        try:
            data = self._recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError as problem:
            raise self._gone("reset", str(problem)) from None
        if data:
            self.answer.feed(data)
        elif self._is_used and not self.answer.received:
            raise self._gone("closed early", "")
        else:
            self.answer.end_of_stream()

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
                    while rest:
                        rest = rest[self._send(rest) :]
                    if self._tls is not None:
                        self._send(b"")
                    return
                except BlockingIOError:
                    pass
                except OSError:
                    return  # it hung up; an answer may still have come before that
                event = self._sleep()
                if event == _TIMED_OUT:
                    raise Failure("timeout", f"{len(rest)} bytes of the request were not taken in time")
                if event == _READABLE:
                    self._read()
                    if self.answer.complete:
                        self.answer.keep_alive = False
                        return
        finally:
            writer.close()

    def _set_timer(self, deadline_s: float) -> None:
        left_s = deadline_s - perf_counter()
        if left_s <= 0:
            raise Failure("timeout", "no time was left for the request")
        self._new_timer(left_s, deadline_s)

    def _new_timer(self, after_s: float, due_s: float) -> None:
        if self._timer is not None:
            self._timer.close()
        self._timer = self._hub.loop.timer(after_s, ref=False)
        self._timer.start(self._on_timer, update=True)
        self._timer_due_s = due_s

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
        self._timer_due_s = math.inf
        waiter = self._waiter
        if waiter is None:
            return
        left_s = self._deadline_s - perf_counter()
        if left_s <= 0:
            waiter(_TIMED_OUT)
        else:
            self._new_timer(left_s + 0.001, self._deadline_s)

    def _gone(self, kind: str, detail: str) -> Failure:
        """The failure for a connection that broke: stale if it was a kept one and nothing had come."""
        if self._is_used and not self.answer.received:
            return StaleError(kind, "the kept connection was closed by the peer")
        return Failure(kind, detail)
