"""A server that answers exactly as it is told to, byte by byte, in the event loop of the test itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import gevent
from gevent.server import StreamServer

from load.http_client import HttpClient, Options, Response

CLOSE = object()
"""In a script: hang up."""
RESET = object()
"""In a script: hang up so that the peer sees a reset."""

Script = Callable[[int], list[Any]]


@dataclass
class Scripted:
    """What it heard: every request's bytes, and how many connections were made."""

    port: int = 0
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def scripted(script: Script | list[Any] | bytes, **tls: Any) -> Iterator[Scripted]:
    """Serve the steps that `script` gives for the n-th request: bytes, seconds to wait, CLOSE, RESET."""
    seen = Scripted()

    def steps(number: int) -> list[Any]:
        if callable(script):
            return script(number)
        return [script] if isinstance(script, bytes) else script

    def serve(sock: Any, _: Any) -> None:
        seen.connections += 1
        while request := read_request(sock):
            seen.requests.append(request)
            for step in steps(len(seen.requests) - 1):
                if step is CLOSE:
                    return
                if step is RESET:
                    sock.setsockopt(
                        1, 13, b"\x01\x00\x00\x00\x00\x00\x00\x00"
                    )  # SO_LINGER 0: close sends RST
                    sock.close()
                    return
                if isinstance(step, bytes):
                    sock.sendall(step)
                else:
                    gevent.sleep(step)

    def handle(sock: Any, peer: Any) -> None:
        with suppress(OSError):  # the client under test hangs up on a hostile answer, as it should
            serve(sock, peer)

    server = StreamServer(("127.0.0.1", 0), handle, **tls)
    server.start()
    seen.port = server.server_port
    try:
        yield seen
    finally:
        server.stop(timeout=0)


def read_request(sock: Any) -> bytes:
    """One whole request with its Content-Length body; empty at the end of the stream."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(65536)
        if not piece:
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    while len(body) < length:
        piece = sock.recv(65536)
        if not piece:
            return b""
        body += piece
    return head + b"\r\n\r\n" + body


class Counted(list[dict[str, Any]]):
    """Stands for Locust's request event: keeps what was fired."""

    def fire(self, **said: Any) -> None:
        self.append(said)


def client_for(server: Scripted, **options: Any) -> tuple[HttpClient, Counted]:
    """A client of the server with short timeouts, and the list of what it counted."""
    counted = Counted()
    settings = Options(**{"timeout_s": 5.0, "connect_timeout_s": 5.0, **options})
    return HttpClient(server.url, settings, request_event=counted), counted


def answer(body: bytes = b"ok", status: str = "200 OK", **headers: str) -> bytes:
    """A plain answer with a Content-Length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def failure_kind(response: Response) -> str | None:
    """What a response counts as failed with; None where it succeeded."""
    return getattr(response.error, "kind", None)
