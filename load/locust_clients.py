"""Locust's own HTTP clients say when a request ended; here they also say when one begins."""

from __future__ import annotations

import functools
from collections.abc import Callable
from time import perf_counter
from typing import Any

from locust.clients import HttpSession
from locust.contrib.fasthttp import FastHttpSession

from load import recorder


def tell_when_requests_begin() -> None:
    """Should the run end before the answer comes, it is then counted as unfinished under its name."""
    sessions: tuple[Any, ...] = (HttpSession, FastHttpSession)
    for session in sessions:
        session.request = _telling(session.request)


def _telling(request: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(request)
    def told(session: Any, method: str, url: str, name: str | None = None, *args: Any, **said: Any) -> Any:
        if recorder.active is not None:
            recorder.active.begin(name or session.request_name or str(url), method, perf_counter())
        return request(session, method, url, name, *args, **said)

    return told
