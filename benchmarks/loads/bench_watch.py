"""Loaded beside a plain Locust scenario: prints requests, seconds and CPU once all users have begun."""

from __future__ import annotations

import json
import time
from typing import Any

from locust import events

_began: dict[str, float] = {}


def _now(environment: Any) -> dict[str, float]:
    return {
        "requests": environment.stats.total.num_requests,
        "at_s": time.perf_counter(),
        "cpu_s": time.process_time(),
    }


@events.init.add_listener  # type: ignore[untyped-decorator]
def watch(environment: Any, **_: Any) -> None:
    """Take the figures when all users are there, and when the run ends."""

    def begin(**_: Any) -> None:
        _began.update(_now(environment))

    def end(**_: Any) -> None:
        ended = _now(environment)
        print("MEASURED " + json.dumps({name: ended[name] - _began[name] for name in ended}), flush=True)

    environment.events.spawning_complete.add_listener(begin)
    environment.events.test_stopping.add_listener(end)
