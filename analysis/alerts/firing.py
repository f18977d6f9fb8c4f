"""When alerts would have been pending and firing, rule by rule, as Prometheus keeps their state."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.alerts.evaluate import Evaluator
from analysis.alerts.rules import Rule
from analysis.alerts.series import StoredSeries
from analysis.alerts.vector import NAME, Element, Floats, Labels, but, labels_of, merged
from analysis.masks import stretches_of
from results import UsageError
from results.units import three_digits

MOST_MOMENTS = 3600
"""A run of an hour is evaluated every second where no rule says otherwise, a longer one less often."""
_TEMPLATE = re.compile(r"{{-?\s*(?:\$labels\.(\w+)|(\$value)(?:\s*\|\s*\w+)*)\s*-?}}")


@dataclass(frozen=True)
class Firing:
    """One stretch of one alert: pending from `since_s` on, firing from `fired_s`, over at `until_s`.

    `fired_s` is None where it never came to fire; `until_s` is None where it lasted to the end of the run.
    """

    labels: Labels
    since_s: float
    fired_s: float | None
    until_s: float | None
    value: float
    """What the expression was when it fired, or began to be met."""
    annotations: dict[str, str]


@dataclass(frozen=True)
class AlertSeen:
    """One alert rule over the run. `absent` are the metrics that it asks for and the run has none of."""

    rule: Rule
    stretches: list[Firing]
    absent: list[str]
    problem: str = ""
    """Why it could not be evaluated, empty where it could."""

    @property
    def fired(self) -> list[Firing]:
        """The stretches that came to fire, by time."""
        return sorted((one for one in self.stretches if one.fired_s is not None), key=lambda one: one.since_s)


def alerts_seen(rules: Sequence[Rule], series: Iterable[StoredSeries], duration_s: float) -> list[AlertSeen]:
    """Every alert rule evaluated from the beginning of load to its end, in the file's order.

    A group without an `interval` is evaluated every second, in runs of more than an hour every 1/3600 of it.
    """
    usual_s = max(float(np.ceil(duration_s / MOST_MOMENTS)), 1.0)
    kept, found = list(series), []
    for interval_s in dict.fromkeys(rule.interval_s for rule in rules):
        moments_s = np.arange(0, duration_s + 1e-9, interval_s or usual_s)
        evaluator = Evaluator(kept, moments_s)
        for rule in [rule for rule in rules if rule.interval_s == interval_s]:
            seen = _evaluated(rule, evaluator, kept)
            if seen is not None:
                found.append(seen)
    order = {id(rule): place for place, rule in enumerate(rules)}
    return sorted(found, key=lambda one: order[id(one.rule)])


def _evaluated(rule: Rule, evaluator: Evaluator, kept: list[StoredSeries]) -> AlertSeen | None:
    absent = [name for name, known in evaluator.matching(rule.expr) if not known]
    try:
        value = evaluator.value(rule.expr)
        vector = value if isinstance(value, list) else [Element((), value, np.ones(value.size, dtype=bool))]
        renamed = merged([Element(_labels(rule, one), one.values, one.here) for one in vector])
    except UsageError as problem:
        return None if rule.records else AlertSeen(rule, [], absent, str(problem))
    if not rule.records:
        stretches = [stretch for one in renamed for stretch in _stretches(rule, one, evaluator.moments_s)]
        return AlertSeen(rule, stretches, absent)
    moments_s = evaluator.moments_s
    for one in renamed:
        step_s = float(np.median(np.diff(moments_s))) if moments_s.size > 1 else 1.0
        made = StoredSeries(one.labels, moments_s[one.here], one.values[one.here], step_s * 1.5)
        evaluator.add(made)
        kept.append(made)
    return None


def _labels(rule: Rule, one: Element) -> Labels:
    given = {name: _filled(text, one.labels, np.nan) for name, text in rule.labels.items()}
    named = {NAME: rule.name} if rule.records else {"alertname": rule.name}
    return labels_of({**dict(but(one.labels, (NAME,))), **given, **named}.items())


def _stretches(rule: Rule, one: Element, moments_s: Floats) -> list[Firing]:
    """Stretches in which the expression was met; one that comes back while it is kept firing is the same."""
    found: list[Firing] = []
    for begin, end in stretches_of(one.here):
        since_s = float(moments_s[begin])
        ends_s = float(moments_s[end]) if end < moments_s.size else None
        before = found[-1] if found else None
        if before and before.fired_s is not None and (before.until_s is None or before.until_s >= since_s):
            found[-1] = replace(before, until_s=_kept(ends_s, rule.keep_s, moments_s))
            continue
        inside = moments_s[begin:end]
        late = np.flatnonzero(inside - since_s >= rule.for_s - 1e-9)
        fired = int(late[0]) if late.size else None
        value = float(one.values[begin + (fired or 0)])
        found.append(
            Firing(
                one.labels,
                since_s,
                None if fired is None else float(inside[fired]),
                ends_s if fired is None else _kept(ends_s, rule.keep_s, moments_s),
                value,
                {name: _filled(text, one.labels, value) for name, text in rule.annotations.items()},
            )
        )
    return found


def _kept(until_s: float | None, keep_s: float, moments_s: Floats) -> float | None:
    """When a firing alert whose expression is no longer met ends: at the first evaluation after `keep_s`."""
    if until_s is None:
        return None
    later = moments_s[moments_s >= until_s + keep_s - 1e-9]
    return float(later[0]) if later.size else None


def _filled(text: str, labels: Labels, value: float) -> str:
    """A template's labels and value put in; whatever else it holds stays as it is written."""
    known = dict(labels)
    return _TEMPLATE.sub(lambda found: known.get(found[1], "") if found[1] else three_digits(value), text)
