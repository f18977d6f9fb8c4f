from __future__ import annotations

import numpy as np
import pytest

from analysis.alerts.firing import AlertSeen, alerts_seen
from analysis.alerts.load_series import LoadSeries
from analysis.alerts.missed import Miss, SloMoments, misses
from analysis.alerts.rules import parse_rules
from analysis.alerts.series import StoredSeries, labels_for, stored_series
from results import Endpoint, Gap, Histogram, Interval, Series, parse_slos


def gauge(metric: str, values: list[float], tier: str = "api", instance: str = "api1") -> Series:
    return Series(tier, instance, metric, "gauge", np.arange(len(values), dtype=float), np.array(values))


def seen(rule: str, told: list[Series], gaps: list[Gap] | None = None, length_s: float = 30) -> AlertSeen:
    text = f"groups:\n- name: g\n  rules:\n  - alert: A\n    {rule}\n"
    series = stored_series(told, gaps or [], length_s)
    (found,) = alerts_seen(parse_rules(text, "rules").rules, series, length_s)
    return found


QUEUE = gauge("pool.replica.pending", [0.0] * 10 + [4.0] * 12 + [0.0] * 9)


def test_alert_is_pending_for_its_time_and_then_fires_until_the_expression_is_not_met() -> None:
    (found,) = seen('expr: pool_pending{pool="replica"} > 3\n    for: 5s', [QUEUE]).stretches
    assert (found.since_s, found.fired_s, found.until_s) == (10, 15, 22)
    assert dict(found.labels) == {"alertname": "A", "instance": "api1", "pool": "replica", "tier": "api"}
    assert found.value == 4


def test_alert_that_is_not_met_long_enough_never_fires() -> None:
    found = seen("expr: pool_pending > 3\n    for: 1m", [QUEUE])
    assert found.fired == []
    assert found.stretches[0].fired_s is None


def test_alert_that_comes_back_while_it_is_kept_firing_is_the_same() -> None:
    flapping = gauge("pool.x.pending", [0.0] * 5 + [4, 4, 0, 0, 4, 4] + [0.0] * 20)
    kept = seen("expr: pool_pending > 3\n    keep_firing_for: 5s", [flapping])
    assert [(one.fired_s, one.until_s) for one in kept.fired] == [(5, 16)]
    let_go = seen("expr: pool_pending > 3", [flapping])
    assert [(one.fired_s, one.until_s) for one in let_go.fired] == [(5, 7), (9, 11)]


def test_tier_that_does_not_answer_is_down_and_its_figures_are_gone() -> None:
    told = gauge("cpu_ratio", [0.9] * 31)
    holed = Series(
        *("api", "api1", "cpu_ratio", "gauge"), told.at_s[[*range(10), *range(20, 31)]], told.values[:21]
    )
    gap = Gap("api", "api1", 10, 20, "refused")
    down = seen("expr: up == 0", [holed], [gap])
    assert [(one.fired_s, one.until_s) for one in down.fired] == [(10, 20)]
    busy = seen("expr: cpu_ratio > 0.5", [holed], [gap])
    assert [(one.fired_s, one.until_s) for one in busy.fired] == [(0, 10), (20, None)]


def test_rule_that_asks_for_what_the_run_does_not_have_says_so() -> None:
    found = seen("expr: node_load1 > 3", [QUEUE])
    assert found.absent == ["node_load1"]
    assert found.stretches == []


def test_two_series_of_the_same_labels_are_an_error_and_not_a_guess() -> None:
    twice = [gauge("cpu_ratio", [1.0] * 31, instance=name) for name in ("api1", "api2")]
    found = seen("expr: cpu_ratio > 0 \n    labels: {instance: all}", twice)
    assert "the same labels" in found.problem


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        (("primary", "primary", "connections"), "mysql_global_status_threads_connected > 0"),
        (("redis", "redis", "evictions"), "redis_evicted_keys_total > 0"),
        (("lb", "backend/web", "queue"), 'haproxy_backend_current_queue{proxy="web"} > 0'),
        (("lb", "web/web1", "up"), 'haproxy_server_status{proxy="web",server="web1",state="UP"} > 0'),
        (("api", "api1", "pool.x.pending"), "db_client_connection_pending_requests > 0"),
        (("api", "api1", "pool.x.used"), 'db_client_connection_count{db_client_connection_state="used"} > 0'),
        (("api", "api1", "pool.x.wait_bucket.0.005"), 'pool_wait_seconds_bucket{le="0.005",pool="x"} > 0'),
    ],
)
def test_rules_in_use_find_their_exporters_names(stored: tuple[str, str, str], asked: str) -> None:
    tier, instance, metric = stored
    assert seen(f"expr: {asked}", [gauge(metric, [2.0] * 31, tier, instance)]).fired


def test_stored_name_keeps_what_stands_between_dots_as_a_label() -> None:
    assert labels_for(gauge("cache.query.hits", [1.0])) == (
        ("__name__", "cache_hits"),
        ("cache", "query"),
        ("instance", "api1"),
        ("tier", "api"),
    )


def slow_from(at_s: int, length_s: int) -> list[Interval]:
    """100 requests a second: 10 ms each, and from a moment on every tenth 400 ms."""
    found = []
    for second in range(length_s):
        values = [10_000.0] * 100 if second < at_s else [10_000.0] * 90 + [400_000.0] * 10
        times = Histogram.from_values_us(values)
        found.append(Interval(second, "g0", Endpoint("x"), times, times.copy()))
    return found


def load_of(intervals: list[Interval], length_s: float) -> list[StoredSeries]:
    load = LoadSeries()
    for interval in intervals:
        load.add(interval)
    return load.series(length_s)


def missed_and_seen(limit_s: float) -> list[Miss]:
    intervals = slow_from(20, 40)
    (slo,) = parse_slos("p99<250ms")
    moments = SloMoments([slo], 40)
    for interval in intervals:
        moments.add(interval)
    quantile = "histogram_quantile(0.99, sum by (le) (rate(load_response_seconds_bucket[10s])))"
    text = f"groups:\n- name: g\n  rules:\n  - alert: Slow\n    expr: {quantile} > {limit_s}\n"
    alerts = alerts_seen(parse_rules(text, "rules").rules, load_of(intervals, 40), 40)
    return misses([slo], moments, alerts)


def test_miss_that_an_alert_saw_names_it() -> None:
    (found,) = missed_and_seen(0.25)
    assert found.alerts == ["Slow"]
    # In the first slow second 10 of the last 1,000 are slow: 1%, which p99 allows.
    assert found.stretches == [(21, 40)]


def test_miss_that_no_rule_saw_is_told() -> None:
    (found,) = missed_and_seen(0.5)
    assert found.alerts == []


def test_counters_of_the_load_are_those_of_its_histograms() -> None:
    counts = {one.labels: one.values[-1] for one in load_of(slow_from(20, 40), 40)}
    by_name = {(dict(k)["__name__"], dict(k).get("le", "")): v for k, v in counts.items()}
    assert by_name["load_requests_total", ""] == 4000
    assert by_name["load_response_seconds_bucket", "+Inf"] == 4000
    assert by_name["load_response_seconds_bucket", "0.25"] == 3800
    assert by_name["load_response_seconds_sum", ""] == pytest.approx(3800 * 0.01 + 200 * 0.4, rel=0.004)
