from __future__ import annotations

import pytest

from analysis.alerts.rules import parse_rules
from results import UsageError


def rule(body: str) -> str:
    return f"groups:\n- name: g\n  rules:\n  - alert: X\n    {body}\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has to begin with 'groups:'"),
        ("groups: [", "no YAML in line 1"),
        ("groups: []\n", "there is no alert in it"),
        ("rules: []\n", "rules: extra inputs are not permitted"),
        (rule("expr: up =="), "X: "),
        (rule("expr: topk(3, up)"), "topk() cannot be evaluated over a run"),
        (rule("expr: predict_linear(lag_ms[1m], 60) > 1"), "predict_linear() cannot be evaluated"),
        (rule("expr: max_over_time(up[5m:1m])"), "a subquery cannot be evaluated"),
        (rule("expr: up @ 5"), "the @ modifier cannot be evaluated"),
        (rule("expr: up\n    for: soon"), "'soon' is no duration"),
        (rule("expr: up\n    fro: 5m"), "fro: extra inputs are not permitted"),
        (rule("for: 5m"), "expr: field required"),
        (rule("expr: up\n    record: y"), "either an 'alert' or a 'record'"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_one_line(text: str, said: str) -> None:
    with pytest.raises(UsageError) as problem:
        parse_rules(text, "rules.yml")
    assert str(problem.value).startswith("alerts rules.yml")
    assert said in str(problem.value)
    assert "\n" not in str(problem.value)


def test_file_is_read_as_prometheus_reads_it() -> None:
    text = """
groups:
- name: slow
  interval: 15s
  rules:
  - record: all:p99
    expr: histogram_quantile(0.99, sum by (le) (rate(load_response_seconds_bucket[1m])))
  - alert: Slow
    expr: |
      all:p99
        > 0.25
    for: 1m30s
    keep_firing_for: 5m
    labels: {severity: page, level: 1}
    annotations: {summary: "p99 is {{ $value }}"}
"""
    record, alert = parse_rules(text, "rules.yml").rules
    assert record.records
    assert (alert.name, alert.text, alert.interval_s) == ("Slow", "all:p99 > 0.25", 15)
    assert (alert.for_s, alert.keep_s) == (90, 300)
    assert alert.labels == {"severity": "page", "level": "1"}
