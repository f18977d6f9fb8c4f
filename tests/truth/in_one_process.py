"""Many requests through the lean client and the recorder alone: no server, no network, no other process.

`python -m tests.truth.in_one_process REQUESTS` prints the memory of the process against requests made.
"""

from __future__ import annotations

import json
import socket
import sys
from time import perf_counter
from typing import Any, Final

import gevent
import psutil

from load import recorder
from load.http_client import HttpClient
from load.http_client.connection import Connection
from load.recorder import Arrival, Recorder

USERS: Final = 50
ENDPOINTS: Final = 20
FLUSH_EVERY: Final = 10_000
SAMPLES: Final = 50
ANSWER: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nServer-Timing: db;dur=1.5\r\n"
    b"Set-Cookie: seen=1; Path=/\r\n\r\nhello"
)


class Looped:
    """A socket whose peer answers every request at once."""

    def __init__(self) -> None:
        self._ours, self._theirs = socket.socketpair()
        self.setblocking, self.fileno, self.recv = (
            self._ours.setblocking,
            self._ours.fileno,
            self._ours.recv,
        )

    def send(self, request: bytes) -> int:
        """Take a whole request, and have its answer ready."""
        self._theirs.send(ANSWER)
        return len(request)

    def close(self) -> None:
        """Close both ends."""
        self._ours.close()
        self._theirs.close()


def main(requests: int) -> list[tuple[int, int]]:
    """Make the requests; returns (requests made, resident bytes) at regular steps."""
    taken = recorder.active = Recorder("g0")
    taken.t0 = perf_counter()
    process = psutil.Process()
    seen: list[tuple[int, int]] = []
    told = 0

    def user(number: int) -> None:
        client = HttpClient("http://127.0.0.1:9")
        connection: Any = Looped()
        client._origin.idle.append(Connection(connection, None, 1 << 20))
        greenlet: Any = gevent.getcurrent()
        while taken.requests < requests:
            greenlet.arrival = Arrival(perf_counter())
            client.get(f"/item/{taken.requests}", name=f"/item/{number % ENDPOINTS}")

    def keep() -> None:
        nonlocal told
        while taken.requests < requests:
            gevent.sleep(0.02)
            taken.fold()
            if taken.requests - told >= FLUSH_EVERY:
                told = taken.requests
                for piece in taken.flush():
                    piece.to_frame()
            if taken.requests * SAMPLES >= requests * (len(seen) + 1):
                seen.append((taken.requests, process.memory_info().rss))

    gevent.joinall([gevent.spawn(keep), *(gevent.spawn(user, n) for n in range(USERS))], raise_error=True)
    recorder.active = None
    return seen


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(int(sys.argv[1]))))
