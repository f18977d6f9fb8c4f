"""How a generator talks to the one who steers: over a unix socket, or through Locust's master."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import gevent
from gevent.lock import RLock

from results.wire import Decoder, encode

MESSAGE = "harness-frame"
CONTROL = "harness-control"
MASTER_SILENT_S = 10.0
"""Locust's master answers a heartbeat a second: silent for this long, nobody steers any more."""

Frame = dict[str, Any]
Hear = Callable[[Frame], None]


class Uplink(Protocol):
    """Sends frames up and hears control frames."""

    def send(self, frame: Frame) -> None:
        """Send a frame."""

    def listen(self, hear: Hear) -> None:
        """Call `hear` with every control frame from now on."""


class SocketUplink:
    """Straight to the steering process."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        self._lock = RLock()

    def send(self, frame: Frame) -> None:
        """Send a frame; whoever steers may have gone."""
        with self._lock:
            try:
                self._socket.sendall(encode(frame))
            except OSError:
                return

    def listen(self, hear: Hear) -> None:
        """Read in a greenlet of its own; the steering process going away means stop."""
        gevent.spawn(self._read, hear)

    def _read(self, hear: Hear) -> None:
        decoder = Decoder()
        while True:
            try:
                data = self._socket.recv(65536)
            except OSError:
                data = b""
            if not data:
                hear({"t": "stop"})
                return
            for frame in decoder.feed(data):
                hear(frame)


class WorkerUplink:
    """Through Locust's message channel to the master, which passes on. Frames carry sequence numbers."""

    def __init__(self, runner: Any) -> None:
        self._runner = runner
        self._sequence = 0
        self.is_cut_off = False
        """The master has gone."""

    def send(self, frame: Frame) -> None:
        """Send a frame; the first one also says which process this is, and by what clock it lives."""
        self._sequence += 1
        if frame["t"] == "ready":
            frame = {**frame, "pid": os.getpid(), "boot": boot_id(), "wall_offset_s": wall_offset_s()}
        self._runner.send_message(MESSAGE, {"sequence": self._sequence, "frame": frame})

    def listen(self, hear: Hear) -> None:
        """Hear what the master passes down; the master going away means stop."""
        self._runner.register_message(CONTROL, lambda environment, msg, **_: hear(msg.data))
        gevent.spawn(self._watch_master, hear)

    def _watch_master(self, hear: Hear) -> None:
        while time.time() - (self._runner.last_heartbeat_timestamp or time.time()) < MASTER_SILENT_S:
            gevent.sleep(1)
        self.is_cut_off = True
        hear({"t": "stop"})


def boot_id() -> str:
    """Tells machines (and their boots) apart: time.monotonic means the same within one."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return socket.gethostname()


def wall_offset_s() -> float:
    """From time.monotonic to wall-clock time, for clocks that start at different boots."""
    return time.time() - time.monotonic()
