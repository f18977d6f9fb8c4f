"""The load of a sample run: its requests and what became of its arrivals."""

from __future__ import annotations

import numpy as np

from results import Account, Endpoint, Flow, Histogram, Interval, Part, RunWriter
from tests.reports.sample_shape import ENDPOINTS, Shape


def write_requests(
    writer: RunWriter,
    sample: Shape,
    arrivals: np.ndarray,
    down: range,
    random: np.random.Generator,
) -> np.ndarray:
    """Intervals of every second; returns failed arrivals by second."""
    busy = sample.busy(arrivals)
    mix = _endpoints(sample)
    shares = np.array([share for _, share, _, _ in mix])
    failed = np.zeros(arrivals.size, dtype=int)
    for second, number in enumerate(arrivals.tolist()):
        pieces = []
        counts = random.multinomial(number, shares / shares.sum())
        for (endpoint, _, median_ms, size), count in zip(mix, counts.tolist(), strict=True):
            if count:
                piece = _interval(second, endpoint, median_ms, size, count, float(busy[second]), random)
                if second in down and endpoint.kind == "page":
                    piece.failed = max(1, count // 3)
                    piece.errors = {"HTTP 503": (piece.failed, "503 Service Unavailable: no server is up")}
                failed[second] += piece.failed
                pieces.append(piece)
        if second == 0:
            pieces.append(_setup(random))
        writer.add_intervals(pieces)
    return failed


def _endpoints(sample: Shape) -> list[tuple[Endpoint, float, float, int]]:
    many = list(ENDPOINTS)
    while len(many) < sample.endpoints:
        endpoint, share, median, size = ENDPOINTS[len(many) % len(ENDPOINTS)]
        many.append((Endpoint(f"{endpoint.name} {len(many)}", endpoint.kind), share / 4, median * 1.2, size))
    return many[: sample.endpoints]


def _interval(
    second: int,
    endpoint: Endpoint,
    median_ms: float,
    size: int,
    count: int,
    busy: float,
    random: np.random.Generator,
) -> Interval:
    work_us = random.lognormal(np.log(median_ms * 1e3), 0.45, count)
    wait_us = random.exponential(median_ms * 900 * busy / (1 - busy), count) * (random.random(count) < busy)
    if endpoint.kind == "asset":
        wait_us *= 0.02
    service = work_us + wait_us
    response = service + random.exponential(900, count) * (random.random(count) < busy**6)
    parts = {}
    if endpoint.kind != "asset":
        shares = {"db": work_us * 0.48, "cache": work_us * 0.06, "render": work_us * 0.22, "pool": wait_us}
        parts = {name: Part(count, float(v.sum()), float(v.max())) for name, v in shares.items()}
    received = int(size * count)
    return Interval(
        second,
        "g0",
        endpoint,
        Histogram.from_values_us(service),
        Histogram.from_values_us(response),
        bytes_received=received,
        parts=parts,
    )


def _setup(random: np.random.Generator) -> Interval:
    times = Histogram.from_values_us(random.lognormal(np.log(85e3), 0.3, 40))
    return Interval(0, "g0", Endpoint("sign in", "page", True), times, times.copy(), bytes_received=80_000)


def write_flows(
    writer: RunWriter,
    arrivals: np.ndarray,
    failed: np.ndarray,
    sample: Shape,
    random: np.random.Generator,
) -> None:
    """What became of the arrivals of every second, and the account of them all."""
    busy = sample.busy(arrivals)
    flows = []
    for second, number in enumerate(arrivals.tolist()):
        in_flight = int(number * 0.02 / (1 - busy[second]))
        lag = Histogram.from_values_us(random.lognormal(np.log(250), 0.6, max(number, 1)))
        bad = int(failed[second])
        flows.append(
            Flow(
                second,
                "g0",
                number,
                number,
                number - bad,
                bad,
                number,
                in_flight,
                max(0, in_flight - 60),
                80,
                lag,
            )
        )
    writer.add_flows(flows)
    total, bad = int(arrivals.sum()), int(failed.sum())
    writer.set_account(
        "g0", Account(total, total - bad - 2, bad, 2, 0) if total > 2 else Account(total, total)
    )
