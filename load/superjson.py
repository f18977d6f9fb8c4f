"""superjson, the encoding many tRPC servers use: plain JSON beside a note of the types JSON does not have."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

_KEY_DOT = re.compile(r"(?<!\\)\.")
_NUMBERS: Final = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf, "-0": -0.0}


def encode(value: Any) -> dict[str, Any]:
    """`{"json": ..., "meta": ...}` for JSON values and timezone-aware datetimes; `meta` only if needed."""
    found: dict[str, list[str]] = {}
    plain = _plain(value, (), found)
    if not found:
        return {"json": plain}
    values: Any = found.get("", found)
    return {"json": plain, "meta": {"values": values, "v": 1}}


def _plain(value: Any, path: tuple[str, ...], found: dict[str, list[str]]) -> Any:
    if isinstance(value, datetime):
        found[".".join(path)] = ["Date"]
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, dict):
        return {key: _plain(inner, (*path, _escape(key)), found) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner, (*path, str(index)), found) for index, inner in enumerate(value)]
    return value


def decode(encoded: Any) -> Any:
    """The value of `{"json", "meta"}`: a Date becomes a datetime, undefined None, a bigint an int.

    Sets and maps come as lists; other types with no counterpart here stay as JSON has them.
    Raises ValueError if it is not superjson.
    """
    if not isinstance(encoded, dict) or "json" not in encoded:
        raise ValueError("not superjson: no `json` in it")
    value = encoded["json"]
    meta = encoded.get("meta")
    tree = meta.get("values") if isinstance(meta, dict) else None
    return value if tree is None else _revived(value, tree)


def _revived(value: Any, tree: Any) -> Any:
    """A tree is {path: tree}, or [type], or [type, {path: tree}] where the type holds others within."""
    if isinstance(tree, dict):
        for path, inner in tree.items():
            keys = [key.replace("\\.", ".").replace("\\\\", "\\") for key in _KEY_DOT.split(path)]
            value = _revived_at(value, keys, inner)
        return value
    if not isinstance(tree, list) or not tree:
        raise ValueError("not superjson: a type is missing")
    if len(tree) > 1:
        value = _revived(value, tree[1])
    revive = _REVIVERS.get(tree[0]) if isinstance(tree[0], str) else None
    return revive(value) if revive else value


def _revived_at(value: Any, keys: list[str], tree: Any) -> Any:
    if not keys:
        return _revived(value, tree)
    try:
        key: Any = int(keys[0]) if isinstance(value, list) else keys[0]
        value[key] = _revived_at(value[key], keys[1:], tree)
    except (KeyError, IndexError, TypeError) as problem:
        raise ValueError(f"not superjson: nothing at {keys[0]!r}") from problem
    return value


def _escape(key: str) -> str:
    return str(key).replace("\\", "\\\\").replace(".", "\\.")


_REVIVERS: Final[dict[str, Callable[[Any], Any]]] = {
    "Date": lambda text: None if text is None else datetime.fromisoformat(text),
    "undefined": lambda _: None,
    "bigint": int,
    "number": lambda text: _NUMBERS.get(text, text),
}
