"""Credentials stay out of whatever a probe says: reasons of gaps, lines before a run, samples of logs."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

HIDDEN = "***"
_SECRET_KEYS = ("password", "token", "secret")


def secrets_in(description: Any) -> list[str]:
    """Every credential in a target's description, the longest first (one may contain another)."""
    found: set[str] = set()
    _collect(description, found)
    return sorted(found, key=len, reverse=True)


def hide(text: str, secrets: list[str]) -> str:
    """The text with every credential replaced."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return text


def login_of(url: str) -> tuple[str, str]:
    """User and password that stand in an address, decoded; empty where there are none."""
    parts = urlsplit(url)
    return unquote(parts.username or ""), unquote(parts.password or "")


def _of_login(url: str) -> set[str]:
    """The password in an address, as it is and as it is written there."""
    return {login_of(url)[1], urlsplit(url).password or ""} - {""}


def _collect(part: Any, found: set[str]) -> None:
    if isinstance(part, dict):
        for key, value in part.items():
            if isinstance(value, str) and value and str(key).lower().endswith(_SECRET_KEYS):
                found.add(value)
            elif isinstance(value, str) and str(key).endswith("url"):
                found.update(_of_login(value))
            else:
                _collect(value, found)
    elif isinstance(part, list):
        for item in part:
            _collect(item, found)
