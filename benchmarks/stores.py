"""The PyMySQL and redis-py clients for scenarios beside sysbench and redis-benchmark, one connection each."""

from __future__ import annotations

import re
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import redis

from benchmarks.contenders import pinned
from benchmarks.harness_runs import LOADS, SERVER_CORE, run
from benchmarks.loads import ROWS
from benchmarks.peers import find_peer
from benchmarks.servers import Login, mariadb, redis_server

GETS_PER_S: Final = 10_000
"""About what redis-benchmark makes on one connection; it is told a number of requests, not a time."""


@dataclass(frozen=True)
class Beside:
    """The p50 of a client and of its peer in each round, in microseconds."""

    what: str
    peer: str
    harness_us: list[float]
    peer_us: list[float]

    @property
    def row(self) -> str:
        """A line of a Markdown table."""
        ours, theirs = statistics.median(self.harness_us), statistics.median(self.peer_us)
        lows = [own - peer for own, peer in zip(self.harness_us, self.peer_us, strict=True)]
        return (
            f"| {self.what} | {ours:.0f} | {self.peer} | {theirs:.0f} | {ours - theirs:+.0f} |"
            f" {min(lows):+.0f} to {max(lows):+.0f} |"
        )


def sql(rounds: int, seconds: int) -> Beside:
    """Point reads: PyMySQL in a scenario, and sysbench's point select without prepared statements."""
    with mariadb(SERVER_CORE) as login:
        base = [str(find_peer("sysbench")), str(LOADS / "point_read.lua"), "--db-driver=mysql"]
        base += ["--mysql-host=127.0.0.1", f"--mysql-port={login.port}", f"--mysql-user={login.user}"]
        base += [f"--mysql-password={login.password}", "--mysql-db=app", f"--table-size={ROWS}"]
        base += ["--rand-type=uniform", "--db-ps-mode=disable", "--percentile=50", f"--time={seconds}"]
        pinned([*base, "prepare"])

        def peer() -> float:
            out = pinned([*base, "run"])
            return _number(r"MEASURED p50_us=([\d.]+)", out)

        target = {"primary": {**login.described(), "database": "app"}}
        return _beside("MySQL point read", "sysbench", "bench_sql", target, peer, rounds, seconds)


def gets(rounds: int, seconds: int) -> Beside:
    """GETs of 3 bytes: redis-py in a scenario, and redis-benchmark."""
    with redis_server(SERVER_CORE) as login:
        _set(login)
        count = str(GETS_PER_S * seconds)
        command = [str(find_peer("redis-benchmark")), "-p", str(login.port), "-c", "1", "-n", count]

        def peer() -> float:
            out = pinned([*command, "--csv", "GET", "bench"])
            names, values = (line.split(",") for line in out.strip().splitlines()[-2:])
            return float(values[names.index('"p50_latency_ms"')].strip('"')) * 1000

        target = {"redis": login.described()}
        return _beside("Redis GET", "redis-benchmark", "bench_redis", target, peer, rounds, seconds)


def _beside(
    what: str,
    peer_name: str,
    scenario: str,
    target: dict[str, Any],
    peer: Callable[[], float],
    rounds: int,
    seconds: int,
) -> Beside:
    ours: list[float] = []
    theirs: list[float] = []
    config = {"stages": f"1 users for {seconds + 1}s", "target": target}
    for number in range(rounds):
        seen = run(scenario, config)
        seen.check(seconds, seen.flows(1, seconds + 1))
        ours.append(seen.service(from_s=1).quantile_us(0.5))
        theirs.append(peer())
        said = f"round {number + 1}: {what} {ours[-1]:.0f} us, {peer_name} {theirs[-1]:.0f} us"
        print(said, file=sys.stderr, flush=True)
    return Beside(what, peer_name, ours, theirs)


def _set(login: Login) -> None:
    client = redis.Redis(login.host, login.port)
    client.set("bench", "xxx")
    client.close()


def _number(pattern: str, out: str) -> float:
    found = re.search(pattern, out)
    if found is None:
        raise RuntimeError(f"no figures in: {out[-500:]}")
    return float(found.group(1))
