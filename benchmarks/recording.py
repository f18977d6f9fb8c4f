"""What it costs to record one request, in a process of its own on the generator's core: prints the figures.

Timed in batches, for a clock costs a tenth of what is measured: the median over batches of 500 requests,
the adding up of each batch once it is done included. The user's greenlet, its arrival, and 20 endpoints
are as in a run.
"""

from __future__ import annotations

import json
from time import perf_counter

import gevent
import numpy as np

from load.recorder import Arrival, Recorder

BATCH = 500
BATCHES = 2000
ENDPOINTS = 20


def measure() -> dict[str, float]:
    """Microseconds a request: `record` alone, and with its share of the adding up; over batches."""
    recorder = Recorder("g0")
    recorder.t0 = perf_counter()
    names = [f"/endpoint/{number}" for number in range(ENDPOINTS)]
    alone, whole = [], []

    def user() -> None:
        gevent.getcurrent().arrival = Arrival(perf_counter())
        for number in range(BATCHES):
            name = names[number % ENDPOINTS]
            started = perf_counter()
            for _ in range(BATCH):
                recorder.record(name, "http", started, started + 0.001, 500)
            recorded = perf_counter()
            recorder.fold()
            alone.append((recorded - started) / BATCH * 1e6)
            whole.append((perf_counter() - started) / BATCH * 1e6)
            if number % 100 == 0:
                recorder.flush()

    gevent.spawn(user).get()
    return {
        "record_us": float(np.median(alone)),
        "whole_us": float(np.median(whole)),
        "whole_p99_us": float(np.quantile(whole, 0.99)),
    }


if __name__ == "__main__":
    print("MEASURED " + json.dumps(measure()), flush=True)
