"""Frames between the load processes and the one who steers them: length-prefixed msgpack."""

from __future__ import annotations

import struct
from typing import Any

import msgpack

from results.errors import HarnessError

_LENGTH = struct.Struct(">I")
MAX_FRAME_BYTES = 64 * 1024 * 1024


def encode(frame: dict[str, Any]) -> bytes:
    """One frame as bytes: four bytes of length, then msgpack."""
    body: bytes = msgpack.packb(frame, use_bin_type=True)
    return _LENGTH.pack(len(body)) + body


class Decoder:
    """Cuts a byte stream into frames, however the stream was split on its way."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """The frames that became complete. Raises HarnessError on a frame that cannot be one."""
        self._pending += data
        frames: list[dict[str, Any]] = []
        while len(self._pending) >= _LENGTH.size:
            (size,) = _LENGTH.unpack_from(self._pending)
            if size > MAX_FRAME_BYTES:
                raise HarnessError(
                    f"a load process sent a frame of {size} bytes; is something else connected?"
                )
            end = _LENGTH.size + size
            if len(self._pending) < end:
                break
            frames.append(msgpack.unpackb(bytes(self._pending[_LENGTH.size : end]), raw=False))
            del self._pending[:end]
        return frames
