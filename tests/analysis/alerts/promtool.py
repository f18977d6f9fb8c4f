"""The same rules and series through Prometheus's own promtool: an independent opinion on every value."""

from __future__ import annotations

import math
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import promql_parser
import pytest
import yaml  # type: ignore[import-untyped]

from analysis.alerts.evaluate import Evaluator
from analysis.alerts.firing import alerts_seen
from analysis.alerts.rules import parse_rules
from analysis.alerts.series import StoredSeries
from analysis.alerts.vector import NAME, Element, Labels, labels_of

UNPACKED = Path(__file__).parents[3] / ".servers" / "more" / "root" / "usr" / "bin" / "promtool"
LOOKBACK_S = 300.0
"""Prometheus's own."""


def find_promtool() -> str:
    """Its path; skips the test where it cannot be had."""
    found = shutil.which("promtool") or (str(UNPACKED) if UNPACKED.is_file() else "")
    if not found:
        pytest.skip("promtool is not installed: it comes with the package 'prometheus'")
    return found


@dataclass(frozen=True)
class Told:
    """A series, a value a second; None is no sample, nan is a target that went away."""

    text: str
    values: Sequence[float | None]

    def for_promtool(self) -> dict[str, str]:
        """In the notation of promtool's tests."""
        words = ["_" if v is None else "stale" if math.isnan(v) else repr(float(v)) for v in self.values]
        return {"series": self.text, "values": " ".join(words)}

    def stored(self) -> StoredSeries:
        """As a run would hold it."""
        selector: Any = promql_parser.parse(self.text)
        labels = {one.name: one.value for one in selector.matchers.matchers} | {NAME: selector.name}
        known = [(float(at), v) for at, v in enumerate(self.values) if v is not None and not math.isnan(v)]
        gone = [float(at) for at, v in enumerate(self.values) if v is not None and math.isnan(v)]
        at_s, values = (np.array(column, dtype=float) for column in zip(*known, strict=True))
        return StoredSeries(labels_of(labels.items()), at_s, values, LOOKBACK_S, np.array(gone))


def differences(
    told: Sequence[Told], expressions: Sequence[str], moments: Sequence[int], folder: Path
) -> str:
    """What promtool says against our values of these expressions at these moments; empty where it agrees."""
    stored = [one.stored() for one in told]
    tests = []
    for text in expressions:
        rounded = f"round({text}, 0.0001)"
        for moment in moments:
            value = Evaluator(stored, np.array([float(moment)])).value(promql_parser.parse(text))
            vector = value if isinstance(value, list) else [Element((), value, np.array([True]))]
            samples = [
                {"labels": _selector(one.labels), "value": _rounded(float(one.values[0]))}
                for one in vector
                if one.here[0]
            ]
            tests.append({"expr": rounded, "eval_time": f"{moment}s", "exp_samples": samples})
    return _ask(folder, "", {"input_series": [one.for_promtool() for one in told], "promql_expr_test": tests})


def alert_differences(told: Sequence[Told], rules: str, moments: Sequence[int], folder: Path) -> str:
    """What promtool says against our firing alerts at these moments; empty where it agrees."""
    seen = alerts_seen(parse_rules(rules, "rules").rules, [one.stored() for one in told], float(max(moments)))
    tests = []
    for one in seen:
        for moment in moments:
            firing = [
                {
                    "exp_labels": {name: value for name, value in stretch.labels if name != "alertname"},
                    "exp_annotations": stretch.annotations,
                }
                for stretch in one.fired
                if stretch.fired_s is not None
                and stretch.fired_s <= moment
                and (stretch.until_s is None or moment < stretch.until_s)
            ]
            tests.append({"alertname": one.rule.name, "eval_time": f"{moment}s", "exp_alerts": firing})
    series = [one.for_promtool() for one in told]
    return _ask(folder, rules, {"input_series": series, "alert_rule_test": tests})


def _ask(folder: Path, rules: str, test: dict[str, object]) -> str:
    (folder / "rules.yml").write_text(rules or "groups: []\n")
    whole = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "1s",
        "tests": [{"interval": "1s", **test}],
    }
    (folder / "test.yml").write_text(yaml.safe_dump(whole, sort_keys=False))
    command = [find_promtool(), "test", "rules", "test.yml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def _selector(labels: Labels) -> str:
    pairs = ", ".join(f'{name}="{value}"' for name, value in labels if name != NAME)
    return f"{{{pairs}}}"


def _rounded(value: float) -> float:
    """As PromQL's round(value, 0.0001) does it."""
    inverse = 1.0 / 0.0001
    return math.floor(value * inverse + 0.5) / inverse if math.isfinite(value) else value
