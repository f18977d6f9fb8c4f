import math

import numpy as np
import pytest

from analysis.capacity.judge import judge, pooled_cluster
from analysis.capacity.level import Level, LevelResult, Window
from analysis.capacity.queue import memory_s
from analysis.slo import Count
from results import Slo, parse_slos
from tests.truth.formulas import capacity_per_s
from tests.truth.simulated import SimulatedServer


def latency(text: str) -> Slo:
    return parse_slos(text)[0]


@pytest.mark.parametrize(("kind", "times"), [("exponential", 1), ("fixed", 2)])
def test_slow_requests_come_in_clusters_as_large_as_theory_says(kind, times) -> None:
    slots, service_s, limit_s = 1, 0.002, 0.06
    slo = latency(f"p95 < {limit_s * 1e3:g}ms")
    rate = capacity_per_s(kind, slots, service_s, limit_s, slo.quantile)
    windows, window_s = 400, 8 * memory_s(rate, slo)
    server = SimulatedServer(slots, service_s, kind, seed=7)
    server.serve(rate, 10)
    from_s = server.now_s
    served = server.serve(rate, windows * window_s)
    late_s = served.arrival_s[served.response_s > limit_s] - from_s
    over = np.bincount((late_s / window_s).astype(int), minlength=windows)
    assert over.var() / over.mean() == pytest.approx(times * rate * memory_s(rate, slo), rel=0.35)


def test_the_memory_of_a_queue_is_that_of_the_diffusion_integrated_numerically() -> None:
    rate, limit_s = 400.0, 0.2
    for quantile in (0.5, 0.9, 0.99):
        p = 1 - quantile
        variance = 2 / rate
        decay = -math.log(p) / limit_s
        x = np.linspace(0, limit_s + 7 / decay, 1_000_001)
        density = decay * np.exp(-decay * x)
        step = x[1] - x[0]
        below = np.cumsum(density * ((x > limit_s) - p)) * step
        integral = float((4 * below**2 / (variance * density)).sum() * step)
        slo = Slo("latency", quantile, limit_s * 1e6)
        assert memory_s(rate, slo) == pytest.approx(integral / p, rel=0.02)


def level(rate_per_s: int, over: list[int], slo: Slo) -> LevelResult:
    windows = tuple(
        Window(rate_per_s, rate_per_s, 3, 50_000.0, (Count(rate_per_s, slow),)) for slow in [0, *over]
    )
    return LevelResult(Level(rate_per_s, "narrow", 1, 60), windows, float(len(windows)))


def test_levels_that_saw_no_cluster_do_not_make_clusters_small() -> None:
    slo = latency("p99 < 150ms")
    judged = [judge(level(400, [2] * 10, slo), [slo]) for _ in range(4)]
    assert pooled_cluster(judged, 0) == pytest.approx(400 * memory_s(400, slo), rel=0.2)


def test_while_the_search_finds_its_way_every_level_counts() -> None:
    slo = latency("p99 < 150ms")
    judged = [judge(level(400, [2] * 10, slo), [slo]) for _ in range(3)]
    assert pooled_cluster(judged, 0) < 4


def test_what_was_seen_outweighs_theory_when_there_is_much_of_it() -> None:
    slo = latency("p99 < 50ms")
    judged = [judge(level(400, [3, 5] * 100, slo), [slo]) for _ in range(5)]
    assert 1 <= pooled_cluster(judged, 0) < 2.5 < 400 * memory_s(400, slo)


def test_errors_have_clusters_of_a_usual_size() -> None:
    slo = parse_slos("errors < 1%")[0]
    assert pooled_cluster([judge(level(400, [0] * 10, slo), [slo])], 0) == pytest.approx(4)
