"""A calibrated HTTP server: c slots, a known service time, first come first served, and a switch to stall.

Run as `python -m tests.truth.server --slots 8 --service 0.02 --kind exponential`; prints its port. It answers
`GET /` after a simulated service; `/stall?seconds=1` stops every start and end of service for that long, and
`/stall` for good; `/served` tells how many requests were made. Departures are computed ahead (Lindley's
recursion for c servers), so that neither timer ticks nor the speed of the machine add up: each answer alone
is off by the timer's delay, well under 1 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import heapq
import random
from collections.abc import Callable
from typing import cast
from urllib.parse import parse_qs, urlsplit

import uvloop

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nok"
TIMER_LEAD_S = 0.0005
"""uvloop's timers tick in milliseconds: half a tick early evens that out on average."""


def service_time(kind: str, mean_s: float, seed: int, sigma: float = 1.0) -> Callable[[], float]:
    """Draws service times in seconds: fixed, exponential, or lognormal of a given mean and log deviation."""
    draw = random.Random(seed)
    if kind == "fixed":
        return lambda: mean_s
    if kind == "exponential":
        return lambda: draw.expovariate(1 / mean_s)
    if kind == "lognormal":
        # E[X] = median * exp(sigma^2 / 2)
        return lambda: mean_s * draw.lognormvariate(-sigma * sigma / 2, sigma)
    raise ValueError(f"unknown service time {kind}")


class Queue:
    """c servers and one line: when does a customer that arrives now leave? Pure arithmetic."""

    def __init__(self, slots: int, draw: Callable[[], float]) -> None:
        self._free_at = [0.0] * slots
        self._draw = draw
        self.stalls: list[tuple[float, float]] = []
        """Stretches (from, to) in which all slots stand still."""

    def departure(self, arrival: float) -> float:
        """The time at which a customer arriving at `arrival` (not before any earlier one) leaves."""
        begin = max(arrival, heapq.heappop(self._free_at))
        leave = self._work(begin, self._draw())
        heapq.heappush(self._free_at, leave)
        return leave

    def _work(self, begin: float, left: float) -> float:
        for stall_from, stall_to in self.stalls:
            if stall_to <= begin:
                continue
            if begin + left <= stall_from:
                break
            left -= max(stall_from - begin, 0.0)
            begin = stall_to
        return begin + left


class Connection(asyncio.Protocol):
    """HTTP/1.1 with keep-alive; one request at a time on a connection, as clients without pipelining send."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._seen = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to answer."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Serve each whole request (heads only: the methods here carry no body)."""
        self._seen += data
        while b"\r\n\r\n" in self._seen:
            head, self._seen = self._seen.split(b"\r\n\r\n", 1)
            self._serve(head.split(b" ", 2)[1].decode())

    def _serve(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.path == "/stall":
            self._server.stall(float(parse_qs(parts.query).get("seconds", ["inf"])[0]))
            self._answer()
        elif parts.path == "/now":
            self._answer()
        elif parts.path == "/served":
            body = str(self._server.served).encode()
            head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
            self._transport.write(head + body)
        else:
            self._server.serve(self._answer)

    def _answer(self) -> None:
        if self._transport.is_closing():
            return
        if self._server.is_to_be_cut():
            self._transport.write(ANSWER[:-1])
            self._transport.abort()
        else:
            self._transport.write(ANSWER)


class Server:
    """The line, and its requests in service."""

    def __init__(
        self, slots: int, draw: Callable[[], float], stalls_after_first: list[tuple[float, float]]
    ) -> None:
        self.queue = Queue(slots, draw)
        self.served = self.answered = 0
        self.cut_every = 0
        self._planned = stalls_after_first

    def serve(self, answer: Callable[[], None]) -> None:
        """Answer when the simulated service is over; planned stalls count from the first request."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        if self.served == 0:
            self.queue.stalls = [(now + begin, now + end) for begin, end in self._planned]
        self.served += 1
        leave = self.queue.departure(now)
        if leave != float("inf"):
            loop.call_at(leave - TIMER_LEAD_S, answer)

    def is_to_be_cut(self) -> bool:
        """Whether the answer that is due is one of those to be cut off in the middle."""
        self.answered += 1
        return self.cut_every > 0 and self.answered % self.cut_every == 0

    def stall(self, seconds: float) -> None:
        """Freeze services that begin from now on; those under way end as they would have."""
        now = asyncio.get_running_loop().time()
        self.queue.stalls.append((now, now + seconds))


async def listen(protocol: Callable[[], asyncio.Protocol], port: int) -> asyncio.Server:
    """Listen on a port, or on any free one outside the range that outgoing connections use."""
    loop = asyncio.get_running_loop()
    for candidate in [port] if port else random.Random().sample(range(20_000, 32_000), 100):
        try:
            return await loop.create_server(protocol, "127.0.0.1", candidate, backlog=4096)
        except OSError:
            continue
    raise OSError(f"port {port or 'in 20000..32000'} is taken")


async def run(arguments: argparse.Namespace) -> None:
    """Serve until killed."""
    draw = service_time(arguments.kind, arguments.service, arguments.seed, arguments.sigma)
    stalls = [tuple(float(side) for side in stall.split("-")) for stall in arguments.stall]
    server = Server(arguments.slots, draw, [(begin, end) for begin, end in stalls])
    server.cut_every = arguments.cut_every
    listening = await listen(lambda: Connection(server), arguments.port)
    print(listening.sockets[0].getsockname()[1], flush=True)  # noqa: T201 (how the port is told)
    await listening.serve_forever()


def main() -> None:
    """Parse and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--slots", type=int, default=8)
    parser.add_argument("--service", type=float, default=0.02, help="mean service time in seconds")
    parser.add_argument("--kind", choices=["fixed", "exponential", "lognormal"], default="fixed")
    parser.add_argument("--sigma", type=float, default=1.0, help="log deviation of lognormal service times")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--stall", action="append", default=[], help="FROM-TO, s after the first request")
    parser.add_argument("--cut-every", type=int, default=0, help="reset within each Nth answer")
    uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
