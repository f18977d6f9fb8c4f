"""The loopback ports of a stack, and who holds one that is taken."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

FIRST = 18000
EACH = 100
SLOTS = range(FIRST, FIRST + 100 * EACH, EACH)
"""Where stacks begin: all below 32768, where the kernel's ports for outgoing connections start."""


@dataclass(frozen=True)
class Ports:
    """The loopback ports of one stack, as offsets from its first."""

    base: int

    @property
    def lb(self) -> int:
        """The load balancer: what a user's browser would talk to."""
        return self.base

    @property
    def lb_metrics(self) -> int:
        """HAProxy's Prometheus page."""
        return self.base + 1

    @property
    def lb_api(self) -> int:
        """The load balancer's inner door, through which web instances reach the API."""
        return self.base + 2

    @property
    def primary(self) -> int:
        """MariaDB, writes."""
        return self.base + 10

    @property
    def replica(self) -> int:
        """MariaDB, reads."""
        return self.base + 11

    @property
    def redis(self) -> int:
        """Redis, or the first node of its cluster."""
        return self.base + 12

    def redis_node(self, index: int) -> int:
        """Node number 0, 1 or 2 of a Redis cluster."""
        return self.redis + index

    def redis_bus(self, index: int) -> int:
        """Where a node talks to the others: not 10,000 up, where the kernel hands ports out."""
        return self.base + 16 + index

    def api(self, number: int) -> int:
        """API instance number 1, 2 ..."""
        return self.base + 20 + number

    def web(self, number: int) -> int:
        """Web instance number 1, 2 ..."""
        return self.base + 40 + number

    def jobs(self, number: int) -> int:
        """Metrics of job worker number 1, 2 ..."""
        return self.base + 60 + number

    @property
    def reservation(self) -> int:
        """Bound by whoever brings a stack up here, until its servers listen: no server's own."""
        return self.base + EACH - 1


def is_free(port: int) -> bool:
    """Whether a server could listen on a loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def holder(port: int) -> str:
    """Who listens on a port, as people name a process."""
    try:
        for connection in psutil.net_connections("tcp"):
            if (
                connection.status == psutil.CONN_LISTEN
                and connection.pid
                and tuple(connection.laddr)[1:] == (port,)
            ):
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    except psutil.Error:
        return "another process"
    return "a process of another user"


@contextmanager
def reserved(base: int) -> Iterator[bool]:
    """Keep a hundred ports from every other `up` on this machine, of whichever checkout or user.

    The kernel gives a port to one process and takes it back when that ends, however it ends. False where
    another has the hundred.
    """
    with socket.socket() as held:
        try:
            held.bind(("127.0.0.1", Ports(base).reservation))
        except OSError:
            yield False
        else:
            yield True


def is_open(base: int) -> bool:
    """Whether nobody holds the best-known ports of a hundred."""
    ports = Ports(base)
    return all(map(is_free, (ports.lb, ports.lb_api, ports.primary, ports.redis)))
