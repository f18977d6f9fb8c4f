"""What the engine measures of a server whose every response time is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from scipy.optimize import brentq

from load.arrivals import Arrivals
from results import Histogram, Stages
from tests.truth.formulas import mmc_tail
from tests.truth.loads import calibrated_server, run_load
from tests.truth.server import Queue, service_time

SEED = 11


def exact_responses_s(
    stages: str, slots: int, draw: Callable[[], float], stalls: tuple[tuple[float, float], ...] = ()
) -> npt.NDArray[np.float64]:
    """Response times of the very arrivals that the engine will make, by Lindley's recursion."""
    arrivals = Arrivals(Stages.parse(stages), "poisson", SEED)
    queue = Queue(slots, draw)
    first = arrivals.due_s
    queue.stalls = [(first + begin, first + end) for begin, end in stalls]
    responses = []
    while arrivals.due_s < float("inf"):
        responses.append(queue.departure(arrivals.due_s) - arrivals.due_s)
        arrivals.advance()
    return np.array(responses)


@pytest.mark.parametrize("kind", ["fixed", "exponential", "lognormal"])
def test_each_service_time_law_is_measured_as_it_is(kind: str, tmp_path: Path) -> None:
    stages = "160/s for 3s"
    with calibrated_server("--slots", "8", "--service", "0.03", "--kind", kind, "--seed", "5") as (url, _):
        seen = run_load(url, tmp_path, stages, seed=SEED)
    exact = exact_responses_s(stages, 8, service_time(kind, 0.03, 5)) * 1e6
    assert seen.account.finished == len(exact)
    # Never flattering; and where a shared machine adds to it, no more than a few ranks.
    for share, rank_above in ((0.5, 0.6), (0.9, 0.97)):
        measured = seen.response().quantile_us(share)
        assert measured > 0.95 * np.quantile(exact, share)
        assert measured < 1.1 * np.quantile(exact, rank_above)


def check_stalls(stages: str, stalls: tuple[tuple[float, float], ...], tmp_path: Path) -> tuple[float, float]:
    """The exact p95 and the measured one, in us."""
    options = [f"--stall={begin}-{end}" for begin, end in stalls]
    with calibrated_server("--slots", "8", "--service", "0.005", *options) as (url, _):
        seen = run_load(url, tmp_path, stages, seed=SEED)
    exact = exact_responses_s(stages, 8, service_time("fixed", 0.005, 1), stalls) * 1e6
    assert seen.account.finished == len(exact)
    return float(np.quantile(exact, 0.95)), seen.response().quantile_us(0.95)


def test_a_stall_is_in_the_response_time_of_all_it_held_up(tmp_path: Path) -> None:
    exact, measured = check_stalls("200/s for 4s", ((1.0, 1.4), (2.5, 2.9)), tmp_path)
    assert exact > 200_000
    assert measured == pytest.approx(exact, rel=0.1)


@pytest.mark.truth
def test_two_stalls_of_a_second_in_twenty_are_within_5_percent_of_the_exact_p95(tmp_path: Path) -> None:
    exact, measured = check_stalls("400/s for 20s", ((5.0, 6.0), (12.0, 13.0)), tmp_path)
    print(f"two stalls: exact p95 {exact / 1e3:.1f} ms, measured {measured / 1e3:.1f} ms")  # noqa: T201
    assert measured == pytest.approx(exact, rel=0.05)


@pytest.mark.truth
@pytest.mark.timeout(600)
@pytest.mark.parametrize("utilisation", [0.5, 0.8])
def test_mmc_quantiles_are_within_5_percent_of_the_formula(utilisation: float, tmp_path: Path) -> None:
    slots, service_s, runs, for_s = 16, 0.03, 4, 40
    rate = utilisation * slots / service_s
    merged = Histogram()
    for seed in range(1, runs + 1):
        server = (
            "--slots",
            str(slots),
            "--service",
            str(service_s),
            "--kind",
            "exponential",
            "--seed",
            str(seed),
        )
        with calibrated_server(*server) as (url, _):
            seen = run_load(
                url, tmp_path, f"{rate:.4f}/s for {for_s + 2}s", seed=seed, processes=1 + seed % 2
            )
        assert seen.account.missing == 0
        merged += seen.response(from_s=2)
    for share in (0.5, 0.9, 0.99):
        exact_us = 1e6 * brentq(lambda t, q=share: mmc_tail(rate, slots, service_s, t) - (1 - q), 1e-6, 10)
        measured_us = merged.quantile_us(share)
        text = f"M/M/{slots} at {utilisation}: p{share * 100:.0f} exact {exact_us:.0f} us"
        print(f"{text}, measured {measured_us:.0f} us")  # noqa: T201
        assert measured_us == pytest.approx(exact_us, rel=0.05)


def test_quantiles_of_a_histogram_are_within_half_a_percent() -> None:
    draw = np.random.default_rng(3)
    values = np.floor(draw.lognormal(9, 2.5, 200_000))
    ranks = np.array([0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 0.9999])
    exact = np.sort(values)[np.ceil(ranks * len(values)).astype(int) - 1]
    measured = Histogram.from_values_us(values).quantiles_us(ranks)
    assert np.max(np.abs(measured - exact) / np.maximum(exact, 1)) < 0.004
