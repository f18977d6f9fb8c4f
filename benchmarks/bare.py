"""The limit for a client of this design: gevent sockets and llhttp in a loop, and nothing else."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import gevent
from gevent import socket
from httptools import HttpResponseParser

REQUEST = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bare\r\nAccept-Encoding: gzip\r\n\r\n"


class Sink:
    """What the parser calls."""

    def __init__(self) -> None:
        self.is_complete = False
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self.headers.append((name, value))

    def on_body(self, data: bytes) -> None:
        """A piece of the body."""
        self.body = data

    def on_message_complete(self) -> None:
        """The end of the answer."""
        self.is_complete = True


def main(port: int, connections: int, seconds: float) -> None:
    """Ask on so many connections for so long, and print what it took."""
    done = [0]
    end_s = time.perf_counter() + seconds

    def ask() -> None:
        sock: Any = socket.create_connection(("127.0.0.1", port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sink = Sink()
        parser = HttpResponseParser(sink)
        while time.perf_counter() < end_s:
            sink.is_complete = False
            sink.headers = []
            sock.sendall(REQUEST)
            while not sink.is_complete:
                parser.feed_data(sock.recv(65536))
            done[0] += 1

    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    gevent.joinall([gevent.spawn(ask) for _ in range(connections)], raise_error=True)
    measured = {
        "requests": done[0],
        "at_s": time.perf_counter() - began_s,
        "cpu_s": time.process_time() - began_cpu_s,
    }
    print("MEASURED " + json.dumps(measured), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
