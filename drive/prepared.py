"""A run that can be made: what its target and its rules call for was had before there is a folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from drive.alerts import rules_for
from drive.course import Course
from drive.host import environment
from drive.plan import ROOT, Plan
from drive.progress import Progress
from drive.target import Target
from drive.timed_faults import Injector, check_stack
from load.launch import LoadProcess
from probes.from_target import sampler_for
from probes.sampler import Sampler
from results import RunWriter


@dataclass(frozen=True)
class Prepared:
    """A plan and its target, with all that could have been missing."""

    plan: Plan
    target: Target
    rules: dict[str, str] | None
    sampler: Sampler
    for_scenarios: dict[str, Any] = field(repr=False)
    """The target as the load processes are told of it, with passwords."""

    def course(self, folder: Path, progress: Progress, *, hold: bool = False, **info: Any) -> Course:
        """The course of the run, which has not begun, and its run.db in `folder`; `info` is kept with it.

        With `hold` the rate is set as the run goes on, and no stages are known.
        """
        plan, target = self.plan, self.target
        told: dict[str, Any] = {
            "id": folder.name,
            "scenario": plan.scenario_name,
            "target": target.name,
            "started_at": datetime.now(UTC).isoformat(),
            "slos": ", ".join(slo.text for slo in plan.slos),
            "warmup_s": plan.warmup_s,
            "plan": plan.public(),
            "environment": environment(target),
            "alerts": self.rules,
        }
        if not hold:
            told["stages"] = plan.stages.text
        load = self._load(folder / "logs" / "load.log", hold)
        faults = Injector(target.stack, plan.faults)
        writer = RunWriter(folder / "run.db", **told | info)
        return Course(plan, writer, load, self.sampler, progress, faults, hold=hold)

    def _load(self, log_path: Path, hold: bool) -> LoadProcess:
        plan = self.plan
        config = {
            "stages": plan.stages.text,
            "arrivals": plan.arrivals,
            "seed": plan.seed,
            "max_users": plan.max_users,
            "max_backlog": plan.max_backlog,
            "grace_s": plan.grace_s,
            "hold": hold,
            "replay": plan.replay,
            "target": self.for_scenarios,
        }
        return LoadProcess(
            scenario=plan.scenario,
            config=config,
            log_path=log_path,
            processes=plan.workers.count if plan.workers else plan.processes,
            cwd=ROOT,
            workers_at=plan.workers.address if plan.workers else None,
        )


def prepare(plan: Plan, target: Target) -> Prepared:
    """Read what the run needs: passwords, authorities, rules. Raises HarnessError for what is not there."""
    check_stack(target.stack, target.name, plan.faults)
    rules = rules_for(plan, target)
    return Prepared(plan, target, rules, sampler_for(target.resolved()), target.for_scenarios())
