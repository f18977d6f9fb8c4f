"""What is to be done, all of it checked before anything starts."""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from analysis.compare.tolerance import Tolerances, parse_tolerances
from drive.target import beside
from drive.timed_faults import TimedFault, in_order
from drive.workers import Workers
from load.access_log import HARMLESS, recording
from results import Slo, Stage, Stages, UsageError, parse_duration_s, parse_slos
from results.errors import first_problem

ROOT = Path(__file__).resolve().parent.parent
PLANS = ROOT / "plans"
SCENARIOS = ROOT / "scenarios"
WARMUP_SHARE = 0.2
MAX_WARMUP_S = 10.0
MOST_BINS = 60
"""A recording's rate over time is told in at most so many steps."""


@dataclass(frozen=True)
class Plan:
    """A scenario, its stages and its objectives."""

    scenario: Path
    stages: Stages
    slos: list[Slo] = field(default_factory=list)
    name: str = ""
    warmup_s: float = 0.0
    arrivals: Literal["poisson", "even"] = "poisson"
    seed: int = 1
    max_users: int = 2000
    max_backlog: int = 20_000
    grace_s: float = 10.0
    processes: int = 1
    workers: Workers | None = None
    """Generators on other machines that make the load, in place of processes here."""
    tolerances: Tolerances = field(default_factory=Tolerances)
    """How much worse than a baseline is allowed, where the run is held to one."""
    replay: dict[str, Any] | None = None
    """What load.access_log.recording takes, where the arrivals are those of an access log."""
    alerts: Path | None = None
    """Alert rules in Prometheus's format, evaluated over the run."""
    notes: tuple[str, ...] = ()
    """What whoever reads the run should know of its plan."""
    faults: tuple[TimedFault, ...] = ()
    """Faults of the stack while it runs."""

    @property
    def scenario_name(self) -> str:
        """The scenario as people name it: its path within the project where it lies in it."""
        return (
            str(self.scenario.relative_to(ROOT)) if self.scenario.is_relative_to(ROOT) else str(self.scenario)
        )

    def public(self) -> dict[str, Any]:
        """The plan as plain data, for storing."""
        plain = asdict(self)
        plain |= {"scenario": self.scenario_name, "stages": self.stages.text}
        plain["slos"] = ", ".join(slo.text for slo in self.slos)
        plain["tolerances"] = self.tolerances.text
        plain["faults"] = [fault.text for fault in self.faults]
        plain["alerts"] = str(self.alerts) if self.alerts else None
        return plain


class PlanFile(BaseModel):
    """A plan as written in TOML."""

    model_config = ConfigDict(extra="forbid")
    scenario: str = ""
    stages: str = ""
    replay: str = ""
    """An access log, beside the plan or from where the harness runs: its requests at their times."""
    speed: float = Field(default=1.0, gt=0)
    methods: str = HARMLESS
    frontend: str = ""
    slo: str = ""
    warmup: str | None = None
    arrivals: Literal["poisson", "even"] = "poisson"
    seed: int = 1
    max_users: int = 2000
    processes: int = 1
    alerts: str = ""
    """A file beside the plan, or from where the harness runs."""
    tolerances: dict[str, str] = Field(default_factory=dict)
    faults: list[str] = []


def find_scenario(name: str) -> Path:
    """The locustfile with a path, or with a name such as `web/browse`. Raises UsageError."""
    for place in (Path(name), ROOT / name, SCENARIOS / name, SCENARIOS / f"{name}.py"):
        if place.is_file() and place.suffix == ".py":
            return place.resolve()
    known = [
        str(file.relative_to(ROOT)) for file in sorted(SCENARIOS.glob("*/*.py")) if file.stem != "__init__"
    ]
    near = difflib.get_close_matches(name, known, 1, 0.4)
    hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}"
    raise UsageError(f"no scenario '{name}': {hint}")


def plan_from(
    name: str,
    *,
    rate_per_s: float | None = None,
    users: int | None = None,
    stages: str | None = None,
    for_s: float | None = None,
    slos: str | None = None,
    warmup_s: float | None = None,
    faults: Sequence[str] = (),
    **options: Any,
) -> Plan:
    """A plan from a plan's or a scenario's name and what the command line says of it. Raises UsageError.

    `faults` come on top of the plan's own.
    """
    if sum(given is not None for given in (rate_per_s, users, stages)) > 1:
        raise UsageError("give one of --rate, --users and --stages")
    file = _plan_file(name)
    plan, own_warmup_s = (
        _read_plan(file) if file else (Plan(find_scenario(name), Stages.constant(20, 60)), None)
    )
    asked = (rate_per_s, users, stages, for_s)
    if plan.replay is not None and any(given is not None for given in asked):
        raise UsageError("a replay's arrivals are those of its log: change its speed in the plan instead")
    if stages is not None:
        plan = replace(plan, stages=Stages.parse(stages))
    elif rate_per_s is not None or users is not None or for_s is not None:
        level = next(given for given in (rate_per_s, users, plan.stages.peak) if given is not None)
        length_s = plan.stages.duration_s if for_s is None else for_s
        is_open = users is None and (rate_per_s is not None or plan.stages.open)
        plan = replace(plan, stages=Stages.constant(level, length_s, open=is_open))
    if plan.stages.duration_s <= 0 or plan.stages.peak <= 0:
        raise UsageError("that makes no load: give a rate or users above 0, for longer than 0 s")
    if slos:
        plan = replace(plan, slos=parse_slos(slos))
    plan = replace(plan, **{key: value for key, value in options.items() if value is not None})
    if plan.workers is not None and plan.processes > 1:
        raise UsageError("give --workers or --processes: load is made elsewhere or here")
    timed = (*plan.faults, *map(TimedFault.parse, faults))
    plan = replace(plan, faults=in_order(timed, plan.stages.duration_s))
    return _with_warmup(plan, own_warmup_s if warmup_s is None else warmup_s)


def _with_warmup(plan: Plan, warmup_s: float | None) -> Plan:
    """The plan with its warm-up: what was asked, or a fifth of the first hold, 10 s at most."""
    if warmup_s is None:
        first = plan.stages.stages[0].duration_s
        warmup_s = float(round(min(first * WARMUP_SHARE, MAX_WARMUP_S)))
    if warmup_s >= plan.stages.duration_s:
        raise UsageError(
            f"the warm-up of {warmup_s:g} s leaves nothing of {plan.stages.duration_s:g} s: run longer"
        )
    return replace(plan, warmup_s=warmup_s)


def _plan_file(name: str) -> Path | None:
    for place in (Path(name), PLANS / f"{name}.toml"):
        if place.is_file() and place.suffix == ".toml":
            return place
    return None


def _read_plan(path: Path) -> tuple[Plan, float | None]:
    """The plan in a file, and its warm-up where the file says one. Raises UsageError."""
    try:
        said = PlanFile(**tomllib.loads(path.read_text()))
    except (OSError, tomllib.TOMLDecodeError) as problem:
        raise UsageError(f"plan {path}: {problem}") from problem
    except ValidationError as problem:
        raise UsageError(f"plan {path}: {first_problem(problem)}") from problem
    if bool(said.stages) == bool(said.replay):
        raise UsageError(f"plan {path}: it has either stages or a replay")
    if not said.scenario and not said.replay:
        raise UsageError(f"plan {path}: scenario is missing")
    plan = Plan(
        scenario=find_scenario(said.scenario or "web/replay_log"),
        stages=Stages.parse(said.stages) if said.stages else Stages.constant(0, 1),
        slos=parse_slos(said.slo),
        name=path.stem,
        arrivals=said.arrivals,
        seed=said.seed,
        max_users=said.max_users,
        processes=said.processes,
        alerts=beside(path, said.alerts) if said.alerts else None,
        tolerances=parse_tolerances(", ".join(f"{what} {share}" for what, share in said.tolerances.items())),
        faults=tuple(map(TimedFault.parse, said.faults)),
    )
    warmup_s = None if said.warmup is None else parse_duration_s(said.warmup)
    return (_replaying(plan, path, said) if said.replay else plan), warmup_s


def _replaying(plan: Plan, path: Path, said: PlanFile) -> Plan:
    """The plan with the arrivals of its access log, as long as that is now. Raises UsageError."""
    log = beside(path, said.replay)
    if not log.is_file():
        raise UsageError(f"plan {path}: there is no access log {said.replay}")
    told = {
        "log": str(log.resolve()),
        "size_bytes": log.stat().st_size,
        "speed": said.speed,
        "methods": said.methods,
        "frontend": said.frontend,
    }
    try:
        found = recording(**told)
    except UsageError as problem:
        raise UsageError(f"plan {path}: {problem}") from problem
    width_s = max(math.ceil((found.requests[-1].at_s + 1e-3) / MOST_BINS), 1)
    stages = tuple(Stage(count / width_s, count / width_s, width_s) for count in found.per_bin(width_s))
    left_out = ", ".join(f"{count} {reason}" for reason, count in found.left_out.items())
    note = f"{len(found.requests)} requests of {log.name} at {said.speed:g} times their speed"
    return replace(
        plan, stages=Stages(stages), replay=told, notes=(note + f"; left out: {left_out or 'none'}",)
    )
