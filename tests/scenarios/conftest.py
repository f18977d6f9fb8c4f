"""Scenarios driven through the harness on the real stack, with the servers' own counters before and after."""

from __future__ import annotations

import io
import re
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pymysql
import pytest
import redis

from drive.plan import plan_from
from drive.progress import PlainProgress
from drive.runs import run_plan
from drive.target import Target
from probes.haproxy import HaproxyProbe
from results import Run, open_run

HERE = Path(__file__).resolve().parent
Told = dict[str, float]


def wait_for(what: Callable[[], bool], deadline_s: float = 30) -> None:
    """Until something is so; fails when it never is."""
    deadline = time.monotonic() + deadline_s
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@dataclass
class Servers:
    """What the stack's servers count, each asked by its own protocol."""

    target: dict[str, Any]

    def haproxy(self) -> Told:
        """The public door's counters."""
        readings = HaproxyProbe(self.target["lb"]["stats_socket"]).sample()
        return {r.metric: r.value for r in readings if r.instance == "frontend/public"}

    def metrics(self, tier: str) -> Counter[str]:
        """Every line of the tier's /metrics pages, added up over its instances."""
        told: Counter[str] = Counter()
        for one in self.target[tier]:
            with urllib.request.urlopen(one["metrics_url"], timeout=10) as answer:
                lines = answer.read().decode().splitlines()
            for line in lines:
                if not line.startswith("#"):
                    name, _, value = line.rpartition(" ")
                    told[name] += float(value)  # type: ignore[assignment]
        return told

    def mysql(self, role: str = "primary") -> Told:
        """SHOW GLOBAL STATUS, where it is a number."""
        login = {key: self.target[role][key] for key in ("host", "port", "user", "password")}
        with closing(pymysql.connect(**login)) as connection, connection.cursor() as cursor:
            cursor.execute("SHOW GLOBAL STATUS")
            return {name: float(value) for name, value in cursor if re.fullmatch(r"\d+(\.\d+)?", value)}

    def redis_client(self) -> Any:
        """A client of the stack's Redis."""
        login = {key: self.target["redis"][key] for key in ("host", "port", "password")}
        return redis.Redis(**login)

    def redis(self) -> Told:
        """INFO's numbers, and the calls of each command as `calls.get`."""
        with closing(self.redis_client()) as client:
            info = client.info("everything")
        told = {name: float(value) for name, value in info.items() if isinstance(value, int | float)}
        for name, stat in info.items():
            if name.startswith("cmdstat_"):
                told[f"calls.{name.removeprefix('cmdstat_')}"] = float(stat["calls"])
        return told


@dataclass
class Driven:
    """A run, and what the servers counted meanwhile."""

    run: Run
    grown: dict[str, Counter[str]] = field(default_factory=dict)

    def count(self, name: str, kind: str | None = None) -> int:
        """Requests of all endpoints whose name begins so, those of set-up included."""
        return sum(
            self.run.merged(endpoint, setup=True).count
            for endpoint in self.run.endpoints
            if endpoint.name.startswith(name) and kind in (None, endpoint.kind)
        )

    def failures(self) -> Counter[str]:
        """Failed requests by name and kind of failure."""
        found: Counter[str] = Counter()
        for piece in self.run.intervals():
            for kind, (count, _) in piece.errors.items():
                found[f"{piece.endpoint.name}: {kind}"] += count
        return found


Drive = Callable[..., Driven]


@pytest.fixture(scope="session")
def servers(stack_up: dict[str, Any]) -> Servers:
    """The counters of the tests' stack."""
    return Servers(stack_up)


@pytest.fixture(scope="session")
def drive(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Drive:
    """Runs a scenario or plan; `ask` names counters to compare, `meanwhile` disturbs while it runs."""
    known = {name: value for name, value in servers.target.items() if name in Target.model_fields}
    target = Target(**{**known, "allow_load": True})

    def run(
        name: str, *ask: str, meanwhile: Callable[[], None] | None = None, seed: int = 1, **options: Any
    ) -> Driven:
        plan = plan_from(name, seed=seed, grace_s=60.0, **options)  # a slow machine gets its time
        asks: dict[str, Callable[[], Any]] = {
            "haproxy": servers.haproxy,
            "primary": servers.mysql,
            "redis": servers.redis,
            **{tier: lambda tier=tier: servers.metrics(tier) for tier in ("web", "api", "jobs")},  # type: ignore[misc]
        }
        before = {each: asks[each]() for each in ask}
        said = io.StringIO()
        with ThreadPoolExecutor() as helper:
            disturbed = helper.submit(meanwhile or (lambda: None))
            folder = run_plan(plan, target, tmp_path_factory.mktemp("runs"), PlainProgress(said))
            disturbed.result(timeout=60)
        driven = Driven(open_run(folder))
        assert driven.run.state == "finished", said.getvalue()
        account = driven.run.account
        assert account.scheduled == account.finished + account.failed > 0
        for each in ask:
            after = asks[each]()
            grown = {key: after[key] - before[each].get(key, 0) for key in after}
            driven.grown[each] = Counter(grown)
        return driven

    return run
