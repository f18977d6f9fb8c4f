"""Does a generator's memory stay flat over many requests?"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from benchmarks.harness_runs import run
from load.launch import LoadProcess

LONGEST_S: Final = 4 * 3600
SETTLED_AFTER: Final = 0.1
"""Buffers grow to their size in the first tenth of the requests."""
SAY_EVERY: Final = 1_000_000


@dataclass
class Memory:
    """Resident memory of the generator against requests made."""

    requests: list[int] = field(default_factory=list)
    rss_bytes: list[int] = field(default_factory=list)
    took_s: float = 0.0

    @property
    def begin_bytes(self) -> float:
        """Once settled: the median of the second tenth."""
        return self._median(SETTLED_AFTER, 2 * SETTLED_AFTER)

    @property
    def end_bytes(self) -> float:
        """The median of the last tenth."""
        return self._median(1 - SETTLED_AFTER, 1.0)

    def _median(self, from_share: float, to_share: float) -> float:
        done = np.array(self.requests) / self.requests[-1]
        inside = (done >= from_share) & (done <= to_share)
        return float(np.median(np.array(self.rss_bytes)[inside]))

    @property
    def text(self) -> str:
        """In a sentence."""
        grown = self.end_bytes - self.begin_bytes
        return (
            f"Memory of the generator over {self.requests[-1]:,} requests in {self.took_s:.0f} s:"
            f" {self.begin_bytes / 1e6:.1f} MB in the second tenth of them, {self.end_bytes / 1e6:.1f} MB in"
            f" the last ({grown / 1e6:+.2f} MB, {grown / max(self.requests[-1], 1):+.3f} bytes a request)."
        )


def measure(port: int, requests: int) -> Memory:
    """As many requests as asked, closed model, all recording on. Raises RuntimeError if any failed."""
    memory = Memory()
    done = 0
    began_s = time.monotonic()

    def each(frame: dict[str, Any], load: LoadProcess) -> bool:
        nonlocal done
        if frame["t"] == "flow":
            if done // SAY_EVERY != (done + frame["requests"]) // SAY_EVERY:
                print(f"memory: {done:,} requests", file=sys.stderr, flush=True)
            done += frame["requests"]
            if done >= requests:
                load.stop()
        elif frame["t"] == "health" and "rss_bytes" in frame:
            memory.requests.append(done)
            memory.rss_bytes.append(frame["rss_bytes"])
        elif frame["t"] == "interval" and frame["failed"]:
            raise RuntimeError(f"requests failed: {frame['errors']}")
        return False

    stages = f"50 users for {LONGEST_S}s"
    run("bench_lean", {"stages": stages, "target": {"base_url": f"http://127.0.0.1:{port}"}}, each)
    memory.took_s = time.monotonic() - began_s
    return memory
