"""Those who are compared: each makes requests from core 0 for some seconds and says how many, at what CPU."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from benchmarks.harness_runs import GENERATOR_CORE, LOADS, run
from benchmarks.peers import find_peer, peer_environment
from stack.programs import CHECKOUT

CONNECTIONS: Final = 50
BARE: Final = "bare gevent + llhttp loop"


@dataclass(frozen=True)
class Measured:
    """One contender's round."""

    requests: float
    seconds: float
    cpu_s: float

    @property
    def rate_per_s(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds

    @property
    def cpu_us(self) -> float:
        """CPU of the generator per request, in microseconds."""
        return self.cpu_s / max(self.requests, 1) * 1e6


def harness(port: int, seconds: int) -> Measured:
    """This harness as it always runs: an ordinary scenario under the plugin, all recording on."""
    config = {
        "stages": f"{CONNECTIONS} users for {seconds + 1}s",
        "target": {"base_url": f"http://127.0.0.1:{port}"},
    }
    seen = run("bench_lean", config)
    flows = seen.flows(1, seconds + 1)
    seen.check(seconds, flows)
    return Measured(sum(flow.requests for flow in flows), seconds, seen.cpu_s(1, seconds + 1))


def locust(user: str) -> Callable[[int, int], Measured]:
    """Plain Locust with one of its own clients, its statistics on as always."""

    def measure(port: int, seconds: int) -> Measured:
        files = f"{LOADS / 'bench_watch.py'},{LOADS / f'bench_{user}.py'}"
        command = [sys.executable, "-m", "locust", "-f", files, "--headless", "--only-summary"]
        command += ["-u", str(CONNECTIONS), "-r", str(CONNECTIONS), "-t", f"{seconds + 1}s"]
        return _told(pinned([*command, "-H", f"http://127.0.0.1:{port}"]))

    return measure


def bare(port: int, seconds: int) -> Measured:
    """gevent and llhttp in a loop: the limit for this design."""
    command = [sys.executable, "-m", "benchmarks.bare", str(port), str(CONNECTIONS), str(seconds)]
    return _told(pinned(command))


def tool(name: str, options: str, pattern: str) -> Callable[[int, int], Measured]:
    """A program that says its own rate; its CPU is what this process's children have used meanwhile."""

    def measure(port: int, seconds: int) -> Measured:
        began = os.times()
        filled = options.format(connections=CONNECTIONS, seconds=seconds)
        out = pinned([str(find_peer(name)), *filled.split(), f"http://127.0.0.1:{port}/"])
        rate = re.search(pattern, out)
        if rate is None:
            raise RuntimeError(f"{name} gave no figures: {out[-300:]}")
        ended = os.times()
        cpu_s = ended.children_user + ended.children_system - began.children_user - began.children_system
        return Measured(float(rate.group(1)) * seconds, seconds, cpu_s)

    return measure


_RATE: Final = r"Requests/sec:\s+([\d.]+)"
CONTENDERS: Final[dict[str, Callable[[int, int], Measured]]] = {
    "FastHttpUser": locust("fast"),
    "HttpUser": locust("http"),
    "autocannon": tool("autocannon", "-j -c {connections} -d {seconds}", r'"requests":\{"average":([\d.]+)'),
    BARE: bare,
    "harness": harness,
    "hey": tool("hey", "-z {seconds}s -c {connections} -cpus 1", _RATE),
    "wrk": tool("wrk", "-t1 -c{connections} -d{seconds}", _RATE),
}
"""In the order of a round: those that are most alike follow each other, so that their ratios are fair."""


def pinned(command: list[str]) -> str:
    """What a program prints, run on the generator's core."""
    done = subprocess.run(
        ["taskset", "-c", str(GENERATOR_CORE), *command],
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        env=peer_environment(),
        check=False,
    )
    return done.stdout + done.stderr


def _told(out: str) -> Measured:
    line = re.search(r"MEASURED (\{.*\})", out)
    if line is None:
        raise RuntimeError(f"no figures in: {out[-500:]}")
    told = json.loads(line.group(1))
    return Measured(told["requests"], told["at_s"], told["cpu_s"])
