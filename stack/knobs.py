"""Every knob of the stack: its default, its range and what it does."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stack.errors import SettingError


class _Group(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Web(_Group):
    """The web instances."""

    instances: int = Field(default=2, ge=1, le=15, description="web instances behind the load balancer")
    workers: int = Field(
        default=256, ge=1, le=10_000, description="requests that one web instance works on at a time"
    )


class Api(_Group):
    """The API instances and their connection pools."""

    instances: int = Field(default=1, ge=1, le=15, description="API instances behind the load balancer")
    workers: int = Field(
        default=64, ge=1, le=10_000, description="requests that one API instance works on at a time"
    )
    pool_size: int = Field(
        default=10, ge=1, le=1000, description="connections of each pool (primary, replica) per instance"
    )
    pool_timeout_s: float = Field(default=60, gt=0, description="how long a request waits for a connection")
    slow_ms: float = Field(
        default=0, ge=0, description="time added to every todo.list, to try a comparison with"
    )


class Cache(_Group):
    """The query cache."""

    ttl_s: int = Field(default=3600, ge=1, description="how long a cached answer is kept")


class Lb(_Group):
    """HAProxy."""

    # Each takes two files here and two inside, and many a machine allows a process 20,000.
    maxconn: int = Field(
        default=2000, ge=1, le=4000, description="connections the load balancer accepts at a time"
    )
    server_maxconn: int = Field(
        default=256, ge=1, le=4000, description="requests sent to one instance at a time"
    )


class Redis(_Group):
    """Redis."""

    cluster: bool = Field(
        default=False, description="three masters that share the keys, in place of one server"
    )
    maxmemory: str = Field(
        default="64mb", pattern=r"^\d+(kb|mb|gb)$", description="memory of a server before it evicts"
    )
    maxmemory_policy: Literal["volatile-lru", "volatile-ttl", "allkeys-lru", "allkeys-lfu", "noeviction"] = (
        Field(
            default="volatile-lru",
            description="what it evicts; only cached values may expire, the job queue may not",
        )
    )


class Db(_Group):
    """The database's primary and replica."""

    server: Literal["mariadb", "mysql"] = Field(
        default="mariadb", description="which server; tools/more-servers.sh fetches MySQL"
    )
    max_connections: int = Field(default=200, ge=10, le=5000, description="connections each server accepts")
    round_trip_ms: float = Field(
        default=0,
        ge=0,
        le=1000,
        description="time added to each statement of the API, as if its databases were further away",
    )
    buffer_pool: str = Field(
        default="64M", pattern=r"^\d+[KMG]$", description="size of each server's buffer pool"
    )


class Jobs(_Group):
    """The background workers."""

    workers: int = Field(default=1, ge=1, le=15, description="job worker processes")


class Seed(_Group):
    """The data that the stack starts with."""

    size: Literal["small", "medium", "large"] = Field(default="small", description="how much data is seeded")


class Ports(_Group):
    """Where the stack listens."""

    base: int = Field(
        default=0, ge=0, le=32000, description="first of 100 loopback ports; 0 chooses by stack"
    )


class Knobs(_Group):
    """All knobs, by group."""

    web: Web = Web()
    api: Api = Api()
    cache: Cache = Cache()
    lb: Lb = Lb()
    redis: Redis = Redis()
    db: Db = Db()
    jobs: Jobs = Jobs()
    seed: Seed = Seed()
    ports: Ports = Ports()

    def flat(self) -> dict[str, Any]:
        """Every knob by its dotted name."""
        return {f"{group}.{name}": value for group, knobs in self for name, value in knobs}


def parse_settings(settings: Iterable[str]) -> dict[str, str]:
    """`["api.pool_size=2"]` as a dict. Raises SettingError."""
    parsed = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise SettingError(f"--set {setting}: write it like api.pool_size=2")
        parsed[name.strip()] = value.strip()
    return parsed


def make_knobs(settings: dict[str, str]) -> Knobs:
    """The defaults with settings over them. Raises SettingError for a name or value that cannot be."""
    defaults = Knobs().flat()
    nested: dict[str, dict[str, str]] = {}
    for name, value in settings.items():
        if name not in defaults:
            near = difflib.get_close_matches(name, defaults, 1, 0.4)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(defaults)}"
            raise SettingError(f"unknown knob '{name}': {hint}")
        group, _, knob = name.partition(".")
        nested.setdefault(group, {})[knob] = value
    try:
        return Knobs.model_validate(nested)
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise SettingError(f"knob {where}={first['input']}: {first['msg'].lower()}") from problem


def describe() -> list[tuple[str, str, str]]:
    """(name, default, what it does) of every knob, for help texts."""
    rows = []
    for group, field in Knobs.model_fields.items():
        for name, knob in type(field.default).model_fields.items():
            rows.append((f"{group}.{name}", str(knob.default), knob.description or ""))
    return rows
