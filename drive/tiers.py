"""The tiers of a target: how each is reached, and where its credentials come from."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from results import HarnessError

_VARIABLE = re.compile(r"\$\{(\w+)\}")


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


class Server(Secret):
    """A server that is reached in clear, or by TLS: its certificate is then checked against `ca_file` (PEM),
    or against the system's authorities where none is given."""

    tls: bool = False
    ca_file: str = ""


class Database(Server):
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


class Redis(Server):
    """A Redis or Valkey server, or any node of a cluster, which tells the others unless they are given."""

    host: str = "127.0.0.1"
    port: int = 6379
    cluster: bool = False
    nodes: list[Node] = []
    pid: int | None = None


class LoadBalancer(Model):
    """A HAProxy (statistics socket or metrics page) or an nginx (status page), and its request log.

    The address of a page may hold a login: `https://user:${NAME}@lb/metrics`.
    """

    stats_socket: str = ""
    metrics_url: str = ""
    status_url: str = ""
    log: str = ""
    pid: int | None = None


class Instance(Model):
    """One instance of an application tier; its metrics' address may hold a login, as a balancer's may."""

    name: str
    url: str = ""
    metrics_url: str = ""
    pid: int | None = None
    workers: int = Field(default=1, ge=1)
    """Its processes that have pools of their own, where the metrics page tells the pool of one."""


class Process(Model):
    """A process on this machine to be watched."""

    name: str
    tier: str
    pid: int


def filled_in(url: str) -> str:
    """An address with each `${NAME}` replaced by that environment variable. Raises HarnessError."""

    def value(found: re.Match[str]) -> str:
        if found[1] not in os.environ:
            raise HarnessError(f"the address {url}: set the environment variable {found[1]}")
        return os.environ[found[1]]

    return _VARIABLE.sub(value, url)


def each_url(part: Any, change: Callable[[str], str]) -> Any:
    """A target's plain description with each of its addresses changed."""
    if isinstance(part, dict):
        return {
            key: change(value) if isinstance(value, str) and key.endswith("url") else each_url(value, change)
            for key, value in part.items()
        }
    return [each_url(item, change) for item in part] if isinstance(part, list) else part
