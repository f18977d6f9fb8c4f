"""The generator's own health, each second: past a limit it measures itself rather than the system."""

from __future__ import annotations

import resource
import time
from typing import Any, Final

import gevent
import psutil

LOOP_TICK_S: Final = 0.02
SHORTEST_S: Final = 0.5
"""CPU time is counted in ticks of 10 ms: a share of less time than this would be noise."""


class Health:
    """Watches this process and its event loop."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._process.cpu_percent()
        self._worst_lag_s = 0.0
        self._told = time.perf_counter()
        self._watcher = gevent.spawn(self._watch_loop)

    def _watch_loop(self) -> None:
        while True:
            expected = time.perf_counter() + LOOP_TICK_S
            gevent.sleep(LOOP_TICK_S)
            self._worst_lag_s = max(self._worst_lag_s, time.perf_counter() - expected)

    def figures(self) -> dict[str, Any]:
        """CPU in cores, worst loop lag, open files and memory since the last call; none if just called."""
        if time.perf_counter() - self._told < SHORTEST_S:
            return {}
        self._told = time.perf_counter()
        lag_s, self._worst_lag_s = self._worst_lag_s, 0.0
        return {
            "cpu_ratio": self._process.cpu_percent() / 100,
            "loop_lag_us": lag_s * 1e6,
            "fds": self._process.num_fds(),
            "fds_limit": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
            "rss_bytes": self._process.memory_info().rss,
        }

    def close(self) -> None:
        """Stop watching."""
        self._watcher.kill(block=False)
