"""Beside scenarios under plain `locust`: ends the run once every name in UNTIL_SEEN succeeded so many times.

`--run-time` will not do: Locust counts it from before its imports, which on a slow machine take longer.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from time import monotonic
from typing import Any

import gevent
from locust import events

PATIENCE_S = 60


def watch(environment: Any, **_: Any) -> None:
    """Listens for Locust's start."""
    gevent.spawn(_end_when_seen, environment, json.loads(os.environ["UNTIL_SEEN"]))


def _end_when_seen(environment: Any, wanted: dict[str, int]) -> None:
    deadline = monotonic() + PATIENCE_S
    while monotonic() < deadline:
        succeeded = _succeeded(environment)
        if all(succeeded[name] >= least for name, least in wanted.items()):
            break
        gevent.sleep(0.1)
    environment.runner.quit()


def _succeeded(environment: Any) -> Counter[str]:
    seen: Counter[str] = Counter()
    for (name, _), one in environment.stats.entries.items():
        seen[name] += one.num_requests - one.num_failures
    return seen


_hooks: Any = events
_hooks.init.add_listener(watch)
