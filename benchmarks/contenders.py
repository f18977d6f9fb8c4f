"""Those who are compared: each makes requests from core 0 for some seconds and says how many, at what CPU."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from load.launch import LoadProcess

CONNECTIONS = 50
GENERATOR_CORE = 0
ROOT = Path(__file__).resolve().parent.parent
LOADS = Path(__file__).resolve().parent / "loads"


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
    with tempfile.TemporaryDirectory() as folder:
        config = {
            "stages": f"{CONNECTIONS} users for {seconds + 2}s",
            "target": {"base_url": f"http://127.0.0.1:{port}"},
            "grace_s": 1,
        }
        load = LoadProcess(LOADS / "bench_lean.py", config, Path(folder) / "log")
        frames = run_to_end(load)
    flows = [f for f in frames if f["t"] == "flow" and 1 <= f["second"] <= seconds]
    healths = [f for f in frames if f["t"] == "health" and 1 <= f["second"] <= seconds]
    if not flows:
        raise RuntimeError("the harness's load process reported nothing")
    return Measured(sum(f["requests"] for f in flows), len(flows), sum(f["cpu_ratio"] for f in healths))


def run_to_end(load: LoadProcess) -> list[dict[str, Any]]:
    """Start load on core 0, begin at once, and return every frame that it sent."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {GENERATOR_CORE})
    try:
        load.start()
    finally:
        os.sched_setaffinity(0, cores)
    frames: list[dict[str, Any]] = []
    deadline_s = time.monotonic() + 120
    try:
        while time.monotonic() < deadline_s:
            for frame in load.frames(0.5):
                frames.append(frame)
                if frame["t"] == "ready":
                    load.go(time.monotonic() + 0.2)
                if frame["t"] == "done":
                    return frames
    finally:
        load.close()
    raise RuntimeError("the load process did not end")


def locust(user: str) -> Callable[[int, int], Measured]:
    """Plain Locust with one of its own clients, its statistics on as always."""

    def run(port: int, seconds: int) -> Measured:
        files = f"{LOADS / 'bench_watch.py'},{LOADS / f'bench_{user}.py'}"
        command = [sys.executable, "-m", "locust", "-f", files, "--headless", "--only-summary"]
        command += ["-u", str(CONNECTIONS), "-r", str(CONNECTIONS), "-t", f"{seconds + 1}s"]
        return _told(_pinned([*command, "-H", f"http://127.0.0.1:{port}"]))

    return run


def bare(port: int, seconds: int) -> Measured:
    """gevent and llhttp in a loop: the limit for this design."""
    command = [sys.executable, "-m", "benchmarks.bare", str(port), str(CONNECTIONS), str(seconds)]
    return _told(_pinned(command))


def wrk(port: int, seconds: int) -> Measured:
    """wrk, one thread."""
    began = os.times()
    out = _pinned(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}", f"http://127.0.0.1:{port}/"])
    return _by_tool(out, r"Requests/sec:\s+([\d.]+)", seconds, began)


def hey(port: int, seconds: int) -> Measured:
    """hey, on the one core."""
    began = os.times()
    command = ["hey", "-z", f"{seconds}s", "-c", str(CONNECTIONS), "-cpus", "1"]
    out = _pinned([*command, f"http://127.0.0.1:{port}/"])
    return _by_tool(out, r"Requests/sec:\s+([\d.]+)", seconds, began)


def autocannon(port: int, seconds: int) -> Measured:
    """autocannon."""
    began = os.times()
    command = ["autocannon", "-j", "-c", str(CONNECTIONS), "-d", str(seconds)]
    out = _pinned([*command, f"http://127.0.0.1:{port}/"])
    return _by_tool(out, r'"requests":\{"average":([\d.]+)', seconds, began)


CONTENDERS: dict[str, Callable[[int, int], Measured]] = {
    "harness": harness,
    "FastHttpUser": locust("fast"),
    "HttpUser": locust("http"),
    "bare gevent + llhttp": bare,
    "wrk": wrk,
    "hey": hey,
    "autocannon": autocannon,
}


def missing() -> list[str]:
    """Contenders whose program is not on this machine."""
    return [name for name in ("wrk", "hey", "autocannon") if shutil.which(name) is None]


def _pinned(command: list[str]) -> str:
    pinned = ["taskset", "-c", str(GENERATOR_CORE), *command]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(pinned, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
    return done.stdout + done.stderr


def _told(out: str) -> Measured:
    line = re.search(r"MEASURED (\{.*\})", out)
    if line is None:
        raise RuntimeError(f"no figures in: {out[-500:]}")
    told = json.loads(line.group(1))
    return Measured(told["requests"], told["at_s"], told["cpu_s"])


def _by_tool(out: str, pattern: str, seconds: int, began: os.times_result) -> Measured:
    """A tool's own rate; its CPU is what this process's children have used since."""
    rate = re.search(pattern, out)
    if rate is None:
        raise RuntimeError(f"no figures in: {out[-500:]}")
    ended = os.times()
    cpu_s = ended.children_user + ended.children_system - began.children_user - began.children_system
    return Measured(float(rate.group(1)) * seconds, seconds, cpu_s)
