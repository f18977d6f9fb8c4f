"""What runs were made on and with: what forbids comparing them, and what else differs between them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.validity import validity
from results import HarnessError, Run
from results.units import three_digits

MEMORY_TOLERANCE = 0.1
"""Two hosts of one kind may report slightly different memory."""


@dataclass(frozen=True)
class Difference:
    """A recorded fact that is not the same in all runs; `values` in their order, None where unknown."""

    name: str
    values: tuple[Any, ...]

    @property
    def text(self) -> str:
        """`knobs api.pool_size: 10 → 3`."""
        return f"{self.name}: {' → '.join('?' if value is None else str(value) for value in self.values)}"


class NotComparable(HarnessError):
    """Runs that must not be held against each other; `--force` does it all the same."""

    exit_code = 4


def comparable(runs: Sequence[Run], excused: Collection[str] = ()) -> list[str]:
    """Why the runs cannot be compared, empty where they can: the first run is what the others are held to.

    `excused` are codes of doubts about a run (analysis.validity) that do not forbid it.
    """
    first = runs[0]
    reasons: list[str] = []
    for run in runs[1:]:
        if run.scenario != first.scenario:
            reasons.append(f"{run.id} ran {run.scenario}, {first.id} ran {first.scenario}")
        if run.info.get("stages") != first.info.get("stages"):
            reasons.append(f"{run.id} had the stages {_stages(run)}, {first.id} {_stages(first)}")
        if run.warmup_s != first.warmup_s:
            reasons.append(f"{run.id} warmed up for {run.warmup_s:g} s, {first.id} for {first.warmup_s:g} s")
        other = host_differences(_host(first), _host(run))
        if other:
            reasons.append(f"{run.id} ran on another kind of host than {first.id}: {', '.join(other)}")
    for run in runs:
        against = [reason for reason in validity(run).reasons if reason.code not in excused]
        if against:
            reasons.append(f"{run.id} is not valid: {against[0].text}")
    return reasons


def host_differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What makes two hosts of another kind: processor, number of processors, memory, operating system."""
    found = []
    for name in ("machine", "cpu", "cpus"):
        was, now = before.get(name), after.get(name)
        if was is not None and now is not None and was != now:
            found.append(f"{name} {was} → {now}")
    was, now = before.get("memory_bytes"), after.get("memory_bytes")
    if was and now and abs(now / was - 1) > MEMORY_TOLERANCE:
        found.append(f"memory {three_digits(was / 2**30)} GiB → {three_digits(now / 2**30)} GiB")
    systems = [str(host.get("system", "")).split(" ")[0] for host in (before, after)]
    if all(systems) and systems[0] != systems[1]:
        found.append(f"system {systems[0]} → {systems[1]}")
    return found


def differences(environments: Sequence[Mapping[str, Any]]) -> list[Difference]:
    """Facts that differ between environments (`versions`, `knobs`, `host`, each a dict), by name."""
    flat = [flattened(one) for one in environments]
    names = sorted({name for one in flat for name in one})
    found = [Difference(name, tuple(one.get(name) for one in flat)) for name in names]
    return [one for one in found if any(value != one.values[0] for value in one.values)]


def flattened(facts: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested facts by one name: {"knobs": {"x": 1}} as {"knobs x": 1}."""
    flat: dict[str, Any] = {}
    for name, value in facts.items():
        if isinstance(value, Mapping):
            flat |= flattened(value, f"{prefix}{name} ")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _host(run: Run) -> Mapping[str, Any]:
    host: Mapping[str, Any] = run.environment.get("host", {})
    return host


def _stages(run: Run) -> str:
    return f"'{run.stages}'" if run.stages else f"of a {run.kind}"
