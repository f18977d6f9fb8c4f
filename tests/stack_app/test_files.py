"""Ranges of a file, by RFC 9110 section 14."""

from __future__ import annotations

import pytest

from stack.app.files import range_of


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("", (0, 999)),
        ("bytes=0-99", (0, 99)),
        ("bytes=900-", (900, 999)),
        ("bytes=-100", (900, 999)),
        ("bytes=-5000", (0, 999)),
        ("bytes=990-5000", (990, 999)),
        ("bytes=1000-", None),
        ("bytes=50-40", None),
        ("bytes=-", (0, 999)),
        ("bytes=0-1,5-6", (0, 999)),
        ("lines=1-2", (0, 999)),
    ],
)
def test_a_range_of_a_thousand_bytes(header: str, span: tuple[int, int] | None) -> None:
    assert range_of(header, 1000) == span
