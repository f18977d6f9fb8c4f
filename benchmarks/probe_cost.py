"""What the probes cost: `python -m benchmarks.probe_cost STACK [--seconds 30] [--rate 40/s]`.

Asks every probe of a running stack once a second, as a run does, while another process loads the stack.
Prints how long each took to be answered, what CPU that took, and what was asked of each tier.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from drive.target import Target
from probes.from_target import probes_from
from probes.probe import Probe, Reading, Unknown
from probes.sampler import Sampler
from stack.control import running_stacks

ROOT = Path(__file__).resolve().parent.parent
MOST_MEDIAN_MS = 20.0
MOST_CPU_RATIO = 0.03


@dataclass
class Timed:
    """A probe that keeps how long each answer took."""

    probe: Probe
    took_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)

    @property
    def tier(self) -> str:
        """The probe's own."""
        return self.probe.tier

    @property
    def instance(self) -> str:
        """The probe's own."""
        return self.probe.instance

    @property
    def calls(self) -> Counter[str]:
        """The probe's own."""
        return self.probe.calls

    def sample(self) -> Sequence[Reading | Unknown]:
        """The probe's answer. Raises ProbeError."""
        began, cpu_began = time.perf_counter(), time.thread_time()
        try:
            return self.probe.sample()
        finally:
            self.took_ms.append((time.perf_counter() - began) * 1000)
            self.cpu_ms.append((time.thread_time() - cpu_began) * 1000)

    def close(self) -> None:
        """Close the probe."""
        self.probe.close()


def calls_of(probes: list[Timed]) -> Counter[str]:
    """What all have asked so far, by tier."""
    return sum((probe.calls for probe in probes), Counter[str]())


def measured(probes: list[Timed], seconds: int) -> tuple[float, dict[str, float]]:
    """Ask them all once a second; returns the CPU that this took, in cores, and calls per second by tier."""
    sampler = Sampler(list(probes))
    sampler.check()  # connections are made before the run, as they are for a real one
    for probe in probes:
        probe.took_ms.clear()
        probe.cpu_ms.clear()
    before = calls_of(probes)
    began, cpu_began = time.monotonic(), time.process_time()
    sampler.start(began)
    while time.monotonic() - began < seconds:
        time.sleep(1)
        sampler.drain()
    cpu_ratio = (time.process_time() - cpu_began) / (time.monotonic() - began)
    asked = {tier: (n - before[tier]) / seconds for tier, n in sorted(calls_of(probes).items())}
    sampler.stop()
    sampler.finish()
    return cpu_ratio, asked


def main() -> int:
    """Measure, print, and judge: 1 where a probe or all together cost more than they may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stack")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--rate", default="40/s")
    given = parser.parse_args()
    target = Target.from_stack(running_stacks()[given.stack])
    probes = [Timed(probe) for probe in probes_from(target.resolved())]
    with tempfile.TemporaryDirectory() as runs:
        command = [sys.executable, str(ROOT / "harness.py"), "run", "web/trpc", "--target", given.stack]
        command += ["--rate", given.rate, "--for", f"{given.seconds + 15}s", "--runs", runs]
        load = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(10)  # it has begun by then
        cpu_ratio, asked = measured(probes, given.seconds)
        load.wait(timeout=120)
    print("| probe | answers | median ms | p99 ms | its own CPU, median ms |\n|---|---|---|---|---|")
    for probe in probes:
        p99_ms = sorted(probe.took_ms)[int(0.99 * (len(probe.took_ms) - 1))]
        name = f"{type(probe.probe).__name__} {probe.tier}/{probe.instance}"
        told = (
            f"{statistics.median(probe.took_ms):.2f} | {p99_ms:.1f} | {statistics.median(probe.cpu_ms):.2f}"
        )
        print(f"| {name} | {len(probe.took_ms)} | {told} |")
    words = ", ".join(f"{tier} {rate:.1f}/s" for tier, rate in asked.items())
    print(f"\n{len(probes)} probes: {cpu_ratio:.2%} of one core; asked of the system: {words}")
    slowest_ms = max(statistics.median(probe.took_ms) for probe in probes)
    return int(slowest_ms > MOST_MEDIAN_MS or cpu_ratio > MOST_CPU_RATIO)


if __name__ == "__main__":
    sys.exit(main())
