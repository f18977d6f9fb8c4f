from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.analysis.alerts import promtool
from tests.analysis.alerts.promtool import Told, alert_differences, differences

# Ranges that begin between two samples: Prometheus 2 counts a sample right at the beginning, 3 does not.
EXPRESSIONS = """
requests_total
requests_total offset 3s
rate(requests_total[9s500ms])
increase(requests_total[4s500ms])
irate(requests_total[9s500ms])
delta(queue[9s500ms])
avg_over_time(queue[9s500ms])
min_over_time(queue[4s500ms])
max_over_time(queue[4s500ms])
sum_over_time(queue[9s500ms])
count_over_time(queue[9s500ms])
changes(queue[9s500ms])
resets(requests_total[19s500ms])
last_over_time(queue[9s500ms])
sum(rate(requests_total[9s500ms]))
sum by (code) (rate(requests_total[9s500ms]))
avg without (instance) (queue)
max by (instance) (queue)
min(queue)
count by (instance) (queue)
queue > 5
queue > bool 5
5 < queue
queue == queue
sum by (instance) (rate(requests_total{code="500"}[9s500ms])) / sum by (instance) (requests_total)
rate(requests_total{code=~"5.."}[9s500ms]) / ignoring (code) group_left sum by (instance) (requests_total)
queue / on (instance) capacity
queue and on (instance) capacity > 9
queue unless on (instance) capacity > 9
queue or capacity
-queue + 3 * capacity ^ 0.5 % 2
capacity{instance!="a"} - queue
histogram_quantile(0.9, sum by (le) (rate(latency_bucket[9s500ms])))
histogram_quantile(0.5, rate(latency_bucket[9s500ms]))
histogram_quantile(0.999, rate(latency_bucket[9s500ms]))
absent(nothing{job="x"})
absent(queue{instance="b"})
clamp_max(queue, 4)
clamp_min(queue, 4)
abs(queue - 6)
vector(scalar(sum(queue)))
vector(time())
""".strip().splitlines()

RULES = """
groups:
- name: system
  interval: 1s
  rules:
  - record: code:requests:rate
    expr: sum by (code) (rate(requests_total[9s500ms]))
  - alert: ErrorsHigh
    expr: code:requests:rate{code="500"} > 1
    labels: {severity: page}
    annotations: {summary: "errors of {{ $labels.code }}"}
  - alert: QueueLong
    expr: queue > 6
    for: 5s
    labels: {severity: ticket, place: "{{ $labels.instance }}"}
  - alert: QueueGone
    expr: absent(queue{instance="b"})
    for: 2s
  - alert: P90Slow
    expr: histogram_quantile(0.9, sum by (le) (rate(latency_bucket[9s500ms]))) > 0.2
    for: 4s
  - alert: NeverMet
    expr: queue > 1000
"""


def series(seed: int, seconds: int = 60) -> list[Told]:
    """Counters that begin again, gauges, a histogram; missing samples, a target that goes and comes back."""
    random = np.random.default_rng(seed)

    def holed(values: list[float]) -> list[float | None]:
        return [None if random.random() < 0.08 else value for value in values]

    told = []
    for instance in "ab":
        for code in ("200", "500"):
            grown = np.cumsum(random.integers(0, 9, seconds))
            begun = int(random.integers(15, 45))
            grown[begun:] -= grown[begun]
            name = f'requests_total{{instance="{instance}", code="{code}"}}'
            told.append(Told(name, holed(grown.tolist())))
        waves = 5 + 4 * np.sin(np.arange(seconds) / 6) + random.normal(0, 0.4, seconds)
        queue = holed(np.round(waves, 2).tolist())
        if instance == "b":
            queue[30:38] = [float("nan"), *[None] * 7]
        told.append(Told(f'queue{{instance="{instance}"}}', queue))
        told.append(Told(f'capacity{{instance="{instance}"}}', [9.0 if instance == "a" else 11.0] * seconds))
    slower = 1 + (np.arange(seconds)[:, None] > 30) * [[0, 0, 3, 9]]
    each = random.poisson([[3, 4, 5, 2]] * seconds) * slower
    counts = np.cumsum(np.cumsum(each, axis=1), axis=0)
    for place, bound in enumerate(("0.05", "0.1", "0.25", "+Inf")):
        told.append(Told(f'latency_bucket{{le="{bound}"}}', counts[:, place].astype(float).tolist()))
    return told


def test_expressions_have_the_values_that_prometheus_gives_them(tmp_path: Path) -> None:
    for seed in range(3):
        assert differences(series(seed), EXPRESSIONS, (12, 22, 33, 40, 59), tmp_path) == ""


def test_alerts_fire_when_prometheus_fires_them(tmp_path: Path) -> None:
    for seed in range(3):
        assert alert_differences(series(seed), RULES, range(1, 60), tmp_path) == ""


def test_promtool_minds_a_value_that_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promtool, "_rounded", lambda value: value + 0.5)
    assert "FAILED" in differences(series(1), ["requests_total"], (20,), tmp_path)
