"""Where to aim: the addresses of each tier, where credentials come from, and whether load is allowed."""

from __future__ import annotations

import difflib
import json
import tomllib
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError

from drive.tiers import (
    Database,
    Instance,
    LoadBalancer,
    Process,
    Redis,
    Secret,
    each_url,
    filled_in,
)
from results import HarnessError, UsageError
from results.errors import first_problem

TARGETS = Path(__file__).resolve().parent.parent / "targets"


class Target(BaseModel):
    """A system under load. Any tier may be left out: the report then says what it cannot tell."""

    model_config = ConfigDict(extra="forbid")
    name: str
    stack: str = ""
    """The stack of `harness up` that this is; empty for any other system."""
    allow_load: bool = False
    base_url: str
    ca_file: str = ""
    verify_tls: bool = True
    lb: LoadBalancer | None = None
    web: list[Instance] = []
    api: list[Instance] = []
    jobs: list[Instance] = []
    primary: Database | None = None
    replica: Database | None = None
    redis: Redis | None = None
    load: Secret | None = None
    processes: list[Process] = []
    logs: dict[str, str] = {}
    seed: dict[str, Any] = {}
    alerts: str = ""
    """A file of alert rules in Prometheus's format, beside the target's or from where it runs."""
    knobs: dict[str, Any] = {}
    versions: dict[str, Any] = {}

    @classmethod
    def from_toml(cls, path: Path) -> Self:
        """The target that a TOML file describes. Raises UsageError."""
        try:
            target = cls(**{"name": path.stem, **tomllib.loads(path.read_text())})
        except (OSError, tomllib.TOMLDecodeError) as problem:
            raise UsageError(f"target {path}: {problem}") from problem
        except ValidationError as problem:
            raise UsageError(f"target {path}: {first_problem(problem)}") from problem
        if target.alerts:
            target.alerts = str(beside(path, target.alerts))
        return target

    @classmethod
    def from_stack(cls, description: Path) -> Self:
        """The target that a running stack describes in its target.json."""
        try:
            told = json.loads(description.read_text())
            known = {name: value for name, value in told.items() if name in cls.model_fields}
            return cls(
                **{
                    "alerts": str(TARGETS / "alerts.yml"),
                    **known,
                    "allow_load": True,
                    "stack": told.get("name", ""),
                }
            )
        except (OSError, ValueError) as problem:
            raise HarnessError(
                f"the stack's description {description} cannot be read: {problem}"
            ) from problem

    def resolved(self) -> dict[str, Any]:
        """All of it as plain data, with every password in place: for those who connect, never for storing."""
        plain: dict[str, Any] = each_url(self.model_dump(exclude_none=True), filled_in)
        for tier in ("primary", "replica", "redis", "load"):
            server: Secret | None = getattr(self, tier)
            if server is not None:
                plain[tier] = server.resolved(tier)
        return plain

    def for_scenarios(self) -> dict[str, Any]:
        """What the load processes are told: the `load` account in place of the probes' where there is one."""
        plain = self.resolved()
        if self.load is not None:
            account = {key: value for key, value in plain["load"].items() if value}
            for tier in ("primary", "replica"):
                if tier in plain:
                    plain[tier] |= account
        return plain

    def facts(self) -> dict[str, Any]:
        """What is written down with a run: what was aimed at, and which tiers were described."""
        tiers = ("lb", "web", "api", "jobs", "primary", "replica", "redis")
        return {
            "host": urlsplit(self.base_url).hostname or "",
            "tls": self.base_url.startswith("https:"),
            "tiers": ", ".join(tier for tier in tiers if getattr(self, tier)),
        }

    def check_allowed(self, yes_load: str | None) -> None:
        """Raises UsageError where load on this target was not allowed on purpose."""
        if not self.allow_load:
            raise UsageError(
                f"target {self.name} does not allow load: if it may, set allow_load = true in its file"
            )
        if "prod" in self.name.lower() and yes_load != self.name:
            raise UsageError(
                f"target {self.name} says prod: repeat its name with --yes-load {self.name} to load it"
            )


def beside(file: Path, named: str) -> Path:
    """A file that another one names: beside that one, or else from where the harness runs."""
    return file.parent / named if (file.parent / named).is_file() else Path(named)


def find_target(name: str | None, stacks: dict[str, Path]) -> Target:
    """The target with a name: a TOML file, one of targets/, or a running stack (`default` for none).

    `stacks` maps the names of running stacks to their target.json. Raises UsageError for an unknown name,
    HarnessError where the stack is not up.
    """
    if name is not None and name.endswith(".toml"):
        return Target.from_toml(Path(name))
    wanted = name or "default"
    if wanted in ("default", "local"):
        if "default" not in stacks:
            raise HarnessError("no stack is up: start it with 'harness up', or name a target with --target")
        return Target.from_stack(stacks["default"])
    if wanted in stacks:
        return Target.from_stack(stacks[wanted])
    if (TARGETS / f"{wanted}.toml").is_file():
        return Target.from_toml(TARGETS / f"{wanted}.toml")
    known = sorted({"local", *stacks, *(file.stem for file in TARGETS.glob("*.toml"))})
    near = difflib.get_close_matches(wanted, known, 1)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
    raise UsageError(f"unknown target '{wanted}': {hint}")
