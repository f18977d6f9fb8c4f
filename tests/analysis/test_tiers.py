from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analysis.caches import cache_levels
from analysis.samples import Samples, broken, thinned
from analysis.tiers import missing_tiers, tier_panels
from results import Gap, Series


def series(tier: str, instance: str, metric: str, values: list[float], kind: str = "gauge") -> Series:
    return Series(tier, instance, metric, kind, np.arange(len(values), dtype=float), np.array(values))  # type: ignore[arg-type]


def test_pool_panel_shows_what_was_full() -> None:
    told = [
        series("api", "api1", "pool.replica.used", [2, 10, 10, 9]),
        series("api", "api1", "pool.replica.max", [10, 10, 10, 10]),
        series("api", "api1", "pool.replica.wait_count", [0, 10, 20, 30], "counter"),
        series("api", "api1", "pool.replica.wait_seconds", [0, 0.5, 1.0, 1.5], "counter"),
    ]
    (panel,) = tier_panels(Samples(told, 0, 3), [], 3)
    figures = {figure.name: figure for figure in panel.figures}
    assert figures["Pool replica, highest in use"].is_full
    (pools,) = panel.tables
    (row,) = pools.rows
    values = dict(zip((name for name, _ in pools.columns), row[1], strict=True))
    assert row[0] == "replica"
    assert values["Wait, mean"] == pytest.approx(50)
    assert values["In use, mean"] == pytest.approx(29 / 30)
    assert values["In use, highest"] == 1


def test_servers_of_a_backend_are_not_counted_twice() -> None:
    told = [series("lb", name, "retries", [0, 4], "counter") for name in ("backend/web", "web/web1")] + [
        series("lb", "web/web1", "up", [1, 1])
    ]
    (panel,) = tier_panels(Samples(told, 0, 2), [], 2)
    assert next(figure.value for figure in panel.figures if figure.name == "Retries") == 4


def test_tier_with_nothing_but_a_gap_has_a_panel_and_no_figures() -> None:
    (panel,) = tier_panels(Samples([], 0, 9), [Gap("redis", "redis", 0, 9, "refused")], 9)
    assert (panel.tier, panel.figures, panel.charts) == ("redis", [], [])
    assert panel.gaps[0].reason == "refused"


def test_figures_are_of_the_steady_part() -> None:
    told = [series("host", "host", "cpu_ratio", [1.0, 1.0, 0.2, 0.4])]
    assert Samples(told, 1, 3).mean("host", "cpu_ratio") == pytest.approx(0.3)
    assert Samples(told, 9, 10).mean("host", "cpu_ratio") is None


def test_a_sample_tells_of_the_second_that_it_ends() -> None:
    # From second 10 to 14 a process is busy and counts 100 a second; a sample is read as each second ends.
    at_s = np.arange(21, dtype=float)
    busy = Series("host", "host", "cpu_ratio", "gauge", at_s, ((at_s > 10) & (at_s <= 14)).astype(float))
    done = Series("api", "api1", "requests", "counter", at_s, 100 * np.clip(at_s - 10, 0, 4))
    for late_s in (0.0, 0.01, -0.1):
        samples = Samples([replace(one, at_s=at_s + late_s) for one in (busy, done)], 10, 14)
        assert samples.mean("host", "cpu_ratio") == 1.0
        assert samples.mean("api", "requests") == pytest.approx(100)
        assert samples.increase("api", "requests") == 400


def test_missing_tiers_are_named() -> None:
    missing = dict(missing_tiers(Samples([series("host", "host", "cpu_ratio", [0.1])], 0, 1)))
    assert "Host" not in missing
    assert "Redis" in missing


def test_cache_levels_by_their_own_counters() -> None:
    told = [
        series("lb", "frontend/public", "cache_lookups", [0, 100], "counter"),
        series("lb", "frontend/public", "cache_hits", [0, 90], "counter"),
        series("api", "api1", "cache.query.hits", [10, 40], "counter"),
        series("api", "api2", "cache.query.hits", [0, 10], "counter"),
        series("api", "api1", "cache.query.misses", [5, 15], "counter"),
        series("replica", "replica", "buffer_pool_read_requests", [0, 1000], "counter"),
        series("replica", "replica", "buffer_pool_reads", [0, 1], "counter"),
    ]
    levels = {level.name: level for level in cache_levels(Samples(told, 0, 2))}
    assert levels["edge"].hit_ratio == pytest.approx(0.9)
    assert levels["application, query"].hit_ratio == pytest.approx(40 / 50)
    assert levels["application, query"].passed == 10
    assert levels["buffer pool, replica"].hit_ratio == pytest.approx(0.999)


def test_cache_that_was_never_asked_is_no_level() -> None:
    told = [series("redis", "redis", name, [7, 7], "counter") for name in ("hits", "misses")]
    assert cache_levels(Samples(told, 0, 2)) == []


def test_thinning_keeps_the_mean_or_the_peak() -> None:
    at, values = np.arange(6.0), np.array([0, 2, 4, 6, np.nan, 8])
    assert thinned(at, values, 2)[1].tolist() == [1, 5, 8]
    assert thinned(at, values, 2, highest=True)[1].tolist() == [2, 6, 8]


def test_line_breaks_where_samples_are_missing() -> None:
    at, values = broken(np.array([0.0, 1, 2, 9, 10]), np.arange(5.0), 1)
    assert np.isnan(values).tolist() == [False, False, False, True, False, False]
    assert at[3] == 5.5


def test_cpu_of_a_tier_is_the_sum_of_its_instances_to_the_last_sample() -> None:
    told = [
        series("host", "host", "cpu_ratio", [0.5] * 4),
        series("web", "web1", "cpu_ratio", [0.2, 0.4, 0.6, 0.5]),
        series("web", "web2", "cpu_ratio", [0.1, 0.1, 0.2, 0.3]),
    ]
    panels = {panel.tier: panel for panel in tier_panels(Samples(told, 0, 3), [], 3)}
    chart = next(one for one in panels["host"].charts if one.title == "CPU cores by tier")
    (web,) = chart.tracks
    assert web.at_s.tolist() == [0, 1, 2, 3]
    assert web.values == pytest.approx([0.3, 0.5, 0.8, 0.8])
