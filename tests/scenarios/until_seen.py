"""Beside scenarios under plain `locust`: ends the run once every name in UNTIL_SEEN had a success.

`--run-time` will not do: Locust counts it from before its imports, which on a slow machine take longer.
"""

from __future__ import annotations

import json
import os
from time import monotonic
from typing import Any

import gevent
from locust import events

PATIENCE_S = 60


def watch(environment: Any, **_: Any) -> None:
    """Listens for Locust's start."""
    gevent.spawn(_end_when_seen, environment, set(json.loads(os.environ["UNTIL_SEEN"])))


def _end_when_seen(environment: Any, wanted: set[str]) -> None:
    deadline = monotonic() + PATIENCE_S
    while monotonic() < deadline and wanted - _succeeded(environment):
        gevent.sleep(0.1)
    environment.runner.quit()


def _succeeded(environment: Any) -> set[str]:
    return {
        name for (name, _), one in environment.stats.entries.items() if one.num_requests > one.num_failures
    }


_hooks: Any = events
_hooks.init.add_listener(watch)
