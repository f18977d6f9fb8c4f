"""Where to aim: the addresses of each tier, where credentials come from, and whether load is allowed."""

from __future__ import annotations

import difflib
import json
import os
import tomllib
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError

from results import HarnessError, UsageError

TARGETS = Path(__file__).resolve().parent.parent / "targets"


class Model(BaseModel):
    """A part of a target's description; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid")


class Secret(Model):
    """A server with credentials. The password is given, or read from an environment variable or a file."""

    user: str = ""
    password: str = ""
    password_env: str = ""
    password_file: str = ""

    def resolved(self, tier: str) -> dict[str, Any]:
        """This description with its password in place. Raises HarnessError when that cannot be had."""
        known = self.model_dump(exclude={"password_env", "password_file"})
        if self.password_env:
            if self.password_env not in os.environ:
                raise HarnessError(f"the {tier}'s password: set the environment variable {self.password_env}")
            known["password"] = os.environ[self.password_env]
        elif self.password_file:
            try:
                known["password"] = Path(self.password_file).read_text().strip()
            except OSError as problem:
                raise HarnessError(
                    f"the {tier}'s password: {problem.strerror}: {self.password_file}"
                ) from problem
        return known


class Database(Secret):
    """A MySQL or MariaDB server."""

    host: str = "127.0.0.1"
    port: int = 3306
    database: str = ""
    socket: str = ""
    pid: int | None = None


class Node(Model):
    """One node of a Redis Cluster."""

    name: str = ""
    host: str
    port: int = 6379


class Redis(Secret):
    """A Redis or Valkey server, or any node of a cluster, which tells the others unless they are given."""

    host: str = "127.0.0.1"
    port: int = 6379
    cluster: bool = False
    nodes: list[Node] = []
    pid: int | None = None


class LoadBalancer(Model):
    """A HAProxy (statistics socket or metrics page) or an nginx (status page), and its request log."""

    stats_socket: str = ""
    metrics_url: str = ""
    status_url: str = ""
    log: str = ""
    pid: int | None = None


class Instance(Model):
    """One instance of an application tier."""

    name: str
    url: str = ""
    metrics_url: str = ""
    pid: int | None = None


class Process(Model):
    """A process on this machine to be watched."""

    name: str
    tier: str
    pid: int


class Target(Model):
    """A system under load. Any tier may be left out: the report then says what it cannot tell."""

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
    knobs: dict[str, Any] = {}
    versions: dict[str, Any] = {}

    @classmethod
    def from_toml(cls, path: Path) -> Self:
        """The target that a TOML file describes. Raises UsageError."""
        try:
            return cls(**{"name": path.stem, **tomllib.loads(path.read_text())})
        except (OSError, tomllib.TOMLDecodeError) as problem:
            raise UsageError(f"target {path}: {problem}") from problem
        except ValidationError as problem:
            raise UsageError(f"target {path}: {first_problem(problem)}") from problem

    @classmethod
    def from_stack(cls, description: Path) -> Self:
        """The target that a running stack describes in its target.json."""
        try:
            told = json.loads(description.read_text())
            known = {name: value for name, value in told.items() if name in cls.model_fields}
            return cls(**{**known, "allow_load": True, "stack": told.get("name", "")})
        except (OSError, ValueError) as problem:
            raise HarnessError(
                f"the stack's description {description} cannot be read: {problem}"
            ) from problem

    def resolved(self) -> dict[str, Any]:
        """All of it as plain data, with every password in place: for those who connect, never for storing."""
        plain = self.model_dump(exclude_none=True)
        for tier in ("primary", "replica", "redis"):
            server: Secret | None = getattr(self, tier)
            if server is not None:
                plain[tier] = server.resolved(tier)
        return plain

    def for_scenarios(self) -> dict[str, Any]:
        """What the load processes are told: the `load` account in place of the probes' where there is one."""
        plain = self.resolved()
        if self.load is not None:
            account = {key: value for key, value in self.load.resolved("load account").items() if value}
            for tier in ("primary", "replica"):
                if tier in plain:
                    plain[tier] |= account
        return plain

    def public(self) -> dict[str, Any]:
        """What may be stored and shown: no credentials."""
        hidden = {"user", "password", "password_env", "password_file"}
        plain = self.model_dump(
            exclude_none=True,
            exclude={
                "primary": hidden,
                "replica": hidden,
                "redis": hidden,
                "load": True,
                "seed": {"password"},
                "logs": True,
            },
        )
        plain["base_url"] = (
            urlsplit(self.base_url)
            ._replace(netloc=urlsplit(self.base_url).netloc.rpartition("@")[2])
            .geturl()
        )
        return plain

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


def first_problem(problem: ValidationError) -> str:
    """What pydantic minds, in one line."""
    # A key that is not known is most often the misspelt one that is missed elsewhere.
    errors = sorted(problem.errors(), key=lambda error: error["type"] != "extra_forbidden")
    first = errors[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg'].lower()}"


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
