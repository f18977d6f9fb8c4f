"""`python -m benchmarks [--rounds 5] [--seconds 4] [--output FILE] [--only NAME ...]`."""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.contenders import CONNECTIONS, CONTENDERS, Measured, missing
from stack.programs import find_program

PORT = 18990
SERVER_CORE = "1"
CONFIG = """
global
    maxconn 1000
    nbthread 1
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend bench
    bind 127.0.0.1:{port}
    http-request return status 200 content-type "text/plain" string "hello, world"
"""


@contextmanager
def server() -> Iterator[None]:
    """HAProxy on core 1 with one static answer. Raises RuntimeError if it does not come up."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "haproxy.cfg"
        config.write_text(CONFIG.format(port=PORT))
        command = ["taskset", "-c", SERVER_CORE, str(find_program("haproxy")), "-f", str(config), "-db"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _wait_until_up()
            yield
        finally:
            process.terminate()
            process.wait()


def _wait_until_up() -> None:
    deadline_s = time.monotonic() + 10
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/", timeout=1):
                return
        except OSError:
            if time.monotonic() > deadline_s:
                raise RuntimeError("HAProxy did not start") from None
            time.sleep(0.05)


def measure(names: list[str], rounds: int, seconds: int) -> dict[str, list[Measured]]:
    """Rounds in turn, so that a change of the machine's mood hits all alike."""
    taken: dict[str, list[Measured]] = {name: [] for name in names}
    with server():
        for number in range(rounds):
            for name in names:
                measured = CONTENDERS[name](PORT, seconds)
                taken[name].append(measured)
                print(f"round {number + 1}: {name} {measured.rate_per_s:,.0f}/s", file=sys.stderr, flush=True)
    return taken


def table(taken: dict[str, list[Measured]], rounds: int, seconds: int) -> str:
    """Markdown: medians over the rounds, and ratios to FastHttpUser and the bare loop."""
    rates = {name: statistics.median(m.rate_per_s for m in ms) for name, ms in taken.items()}
    costs = {name: statistics.median(m.cpu_us for m in ms) for name, ms in taken.items()}
    lines = [
        "| generator | requests/s | lowest to highest | CPU us/request | x Fast | CPU x Fast | x bare loop |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, measured in taken.items():
        spread = f"{min(m.rate_per_s for m in measured):,.0f} to {max(m.rate_per_s for m in measured):,.0f}"
        lines.append(
            f"| {name} | {rates[name]:,.0f} | {spread} | {costs[name]:.1f} |"
            f" {_ratio(rates, name, 'FastHttpUser')} | {_ratio(costs, name, 'FastHttpUser')} |"
            f" {_ratio(rates, name, 'bare gevent + llhttp')} |"
        )
    said = f"Fast is FastHttpUser. Medians of {rounds} alternating rounds of {seconds} s, "
    said += f"{CONNECTIONS} connections, one static "
    said += "answer from HAProxy; generator on core 0, server on core 1."
    left_out = [f"{name} is not on this machine and was left out." for name in missing()]
    return "\n".join([*lines, "", said, machine(), *left_out, ""])


def _ratio(values: dict[str, float], name: str, base: str) -> str:
    return f"{values[name] / values[base]:.2f}" if values.get(base) else "-"


def machine() -> str:
    """The machine in a line."""
    model = "unknown CPU"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    versions = f"Linux {platform.release()}, Python {platform.python_version()}"
    return f"Machine: {model}, {os.cpu_count()} cores, {versions}."


def main() -> None:
    """Measure, print, and write the table where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--only", nargs="*", choices=sorted(CONTENDERS))
    parser.add_argument("--output", type=Path)
    asked = parser.parse_args()
    names = [n for n in CONTENDERS if n not in missing() and (not asked.only or n in asked.only)]
    text = table(measure(names, asked.rounds, asked.seconds), asked.rounds, asked.seconds)
    print(text)
    if asked.output:
        asked.output.write_text(f"# Benchmarks\n\n{text}")


if __name__ == "__main__":
    main()
