"""Response headers as a scenario reads them, and request headers as they go on the wire."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, MutableMapping

from load.failure import Failure

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


class Headers(Mapping[str, str]):
    """An answer's headers: names in any case; repeated ones joined with ", ", Set-Cookie by line breaks."""

    __slots__ = ("_raw",)

    def __init__(self, raw: dict[bytes, bytes]) -> None:
        """`raw`: lower-case names to values, as the connection collected them."""
        self._raw = raw

    def __getitem__(self, name: str) -> str:
        try:
            return self._raw[name.lower().encode("latin-1")].decode("latin-1")
        except UnicodeEncodeError:
            raise KeyError(name) from None

    def __iter__(self) -> Iterator[str]:
        return (name.decode("latin-1") for name in self._raw)

    def __len__(self) -> int:
        return len(self._raw)

    def __repr__(self) -> str:
        return f"Headers({dict(self)!r})"


class RequestHeaders(MutableMapping[str, str]):
    """Headers sent with every request of a client; names in any case. `block` is what goes on the wire."""

    def __init__(self, initial: Mapping[str, str] | None = None) -> None:
        self._lines: dict[str, tuple[str, str]] = {}
        self._block: bytes | None = None
        self.update(initial or {})

    def __getitem__(self, name: str) -> str:
        return self._lines[name.lower()][1]

    def __setitem__(self, name: str, value: str) -> None:
        self._lines[name.lower()] = (name, value)
        self._block = None

    def __delitem__(self, name: str) -> None:
        del self._lines[name.lower()]
        self._block = None

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._lines.values())

    def __len__(self) -> int:
        return len(self._lines)

    def copy(self) -> RequestHeaders:
        """An independent set of headers with the same lines."""
        return RequestHeaders(self)

    @property
    def block(self) -> bytes:
        """All lines, each ended by CRLF. Raises Failure of kind "request" for a name or value not allowed."""
        if self._block is None:
            self._block = b"".join(_line(name, value) for name, value in self._lines.values())
        return self._block


def _line(name: str, value: str) -> bytes:
    text = str(value)
    if not _TOKEN.fullmatch(name) or any(character in text for character in "\r\n\0"):
        raise Failure("request", f"header {name!r} is not allowed on the wire")
    try:
        return f"{name}: {text}\r\n".encode("latin-1")
    except UnicodeEncodeError:
        return f"{name}: ".encode() + text.encode() + b"\r\n"
