"""Values as tRPC writes them: plain JSON or superjson, which also says which strings are dates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

import orjson


@dataclass(frozen=True)
class Prepared:
    """A value that is JSON already (from the cache), with the paths of its dates: it is not parsed again."""

    body: bytes
    dates: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, value: Any) -> Prepared:
        """A value written as JSON, its dates noted."""
        dates: dict[str, list[str]] = {}
        _note_dates(value, "", dates)
        return cls(_dumps(value), dates)

    def to_bytes(self) -> bytes:
        """One line for the dates, then the JSON."""
        return orjson.dumps(self.dates) + b"\n" + self.body

    @classmethod
    def from_bytes(cls, kept: bytes) -> Prepared:
        """What `to_bytes` wrote."""
        dates, _, body = kept.partition(b"\n")
        return cls(body, orjson.loads(dates))


class Encoding(Protocol):
    """How values and inputs are written; `data` None stands for JavaScript's undefined."""

    def read(self, value: Any) -> Any:
        """An input as the procedure gets it."""

    def result(self, data: Any) -> dict[str, Any]:
        """A procedure's answer, as what stands beside "result"."""

    def error(self, shape: dict[str, Any]) -> dict[str, Any]:
        """What stands beside "error"."""

    def line(self, chunk: Any) -> bytes:
        """One line of a stream."""


class Plain:
    """JSON as it is; dates become strings."""

    def read(self, value: Any) -> Any:
        return value

    def result(self, data: Any) -> dict[str, Any]:
        return {} if data is None else {"data": data}

    def error(self, shape: dict[str, Any]) -> dict[str, Any]:
        return shape

    def line(self, chunk: Any) -> bytes:
        return _dumps(chunk) + b"\n"


class Superjson:
    """superjson 2, of its types dates and undefined: {json, meta: {values: {path: ["Date"]}, v: 1}}."""

    def read(self, value: Any) -> Any:
        return value.get("json") if isinstance(value, dict) else value

    def result(self, data: Any) -> dict[str, Any]:
        if data is None:
            return {"data": {"json": None, "meta": {"values": ["undefined"], "v": 1}}}
        return {"data": _with_meta(data)}

    def error(self, shape: dict[str, Any]) -> dict[str, Any]:
        return {"json": shape}

    def line(self, chunk: Any) -> bytes:
        return _dumps(_with_meta(chunk)) + b"\n"


PLAIN, SUPERJSON = Plain(), Superjson()


def dumps(value: Any) -> bytes:
    """JSON with dates as JavaScript writes them."""
    return _dumps(value)


def iso(moment: datetime | date) -> str:
    """A date as JavaScript writes it: UTC, milliseconds, Z."""
    whole = moment if isinstance(moment, datetime) else datetime(moment.year, moment.month, moment.day)
    return whole.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _default(value: Any) -> Any:
    if isinstance(value, Prepared):
        return orjson.Fragment(value.body)
    if isinstance(value, datetime | date):
        return iso(value)
    raise TypeError(f"{type(value).__name__} has no JSON")


def _dumps(value: Any) -> bytes:
    return orjson.dumps(
        value, default=_default, option=orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
    )


def _with_meta(value: Any) -> dict[str, Any]:
    dates: dict[str, list[str]] = {}
    _note_dates(value, "", dates)
    if not dates:
        return {"json": value}
    # A date at the root has no path: its type stands alone.
    return {"json": value, "meta": {"values": dates.get("", dates), "v": 1}}


def _note_dates(value: Any, path: str, dates: dict[str, list[str]]) -> None:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            # superjson joins a path's steps with dots and escapes those within a key.
            step = str(key).replace("\\", "\\\\").replace(".", "\\.")
            _note_dates(inner, f"{path}.{step}" if path else step, dates)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            _note_dates(inner, f"{path}.{index}" if path else str(index), dates)
    elif isinstance(value, datetime | date):
        dates[path] = ["Date"]
    elif isinstance(value, Prepared):
        for inner_path, kind in value.dates.items():
            dates[".".join(filter(None, (path, inner_path)))] = kind
