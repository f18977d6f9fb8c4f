"""TLS over a non-blocking socket by memory BIOs, so that one loop of the connection serves both kinds."""

from __future__ import annotations

import functools
import ssl
from collections.abc import Callable

from gevent import socket as gsocket

_RECORD = 16384


@functools.lru_cache(maxsize=16)
def context_for(ca_file: str | None, verify: bool) -> ssl.SSLContext:
    """A client context, built once: loading the system's certificates takes tens of milliseconds.

    `ca_file` (PEM) replaces the system's authorities. Raises OSError or ssl.SSLError if it cannot be read.
    """
    context = ssl.create_default_context(cafile=ca_file)
    context.set_alpn_protocols(["http/1.1"])
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class TlsStream:
    """Encrypts and decrypts for one connection. `send` and `recv` behave like a non-blocking socket's."""

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._unsent = memoryview(b"")
        self._raw_send: Callable[[memoryview], int] = len
        self._raw_recv: Callable[[int], bytes] = bytes

    def handshake(self, sock: gsocket.socket) -> None:
        """Shake hands on a gevent socket. Raises ssl.SSLError, or ConnectionError if the peer hangs up."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                sock.sendall(self._outgoing.read())
                data = sock.recv(65536)
                if not data:
                    raise ConnectionResetError("closed during the TLS handshake") from None
                self._incoming.write(data)
            else:
                sock.sendall(self._outgoing.read())
                return

    def attach(self, send: Callable[[memoryview], int], recv: Callable[[int], bytes]) -> None:
        """Use a non-blocking socket's own `send` and `recv` from now on."""
        self._raw_send, self._raw_recv = send, recv

    @property
    def flushed(self) -> bool:
        """Whether everything that `send` took is on its way."""
        return not self._unsent

    def send(self, data: bytes | memoryview) -> int:
        """Take up to one record of `data`; an empty `data` only flushes. Raises BlockingIOError when full."""
        while self._unsent:
            self._unsent = self._unsent[self._raw_send(self._unsent) :]
        taken = self._tls.write(data[:_RECORD]) if data else 0
        self._unsent = memoryview(self._outgoing.read())
        try:
            while self._unsent:
                self._unsent = self._unsent[self._raw_send(self._unsent) :]
        except BlockingIOError:
            if not data:
                raise
        return taken

    def recv(self, size: int) -> bytes:
        """All plaintext there is, b"" at the end. Raises BlockingIOError when there is none yet.

        Nothing decrypted stays behind, so that the socket's readiness alone tells whether more can come.
        """
        data = self._raw_recv(size)
        if not data:
            return b""
        self._incoming.write(data)
        plain = bytearray()
        try:
            while piece := self._tls.read(_RECORD):
                plain += piece
        except ssl.SSLWantReadError:
            if not plain:
                raise BlockingIOError from None
        except ssl.SSLZeroReturnError:
            pass
        return bytes(plain)
