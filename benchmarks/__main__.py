"""`python -m benchmarks`: the harness beside its peers, in one run of under 5 minutes."""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks import memory, open_model, stores, table
from benchmarks.contenders import CONTENDERS, Measured, pinned
from benchmarks.harness_runs import SERVER_CORE
from benchmarks.peers import find_peer, left_out
from benchmarks.servers import STATIC, haproxy
from load.launch import free_port
from results.errors import HarnessError

PARTS: Final = ("http", "open", "sql", "redis", "recording", "memory")
OPEN_RATE_PER_S: Final = 10_000
OPEN_SECONDS: Final = 6
STORE_SECONDS: Final = 2
MEMORY_REQUESTS: Final = 400_000


@contextmanager
def static_answer() -> Iterator[int]:
    """HAProxy with one static answer on the server's core; yields its port."""
    port = free_port()
    with haproxy(STATIC.format(port=port), port, SERVER_CORE):
        yield port


def rates(names: list[str], rounds: int, seconds: int) -> dict[str, list[Measured]]:
    """Rounds in turn, so that a change of the machine's mood hits all alike."""
    taken: dict[str, list[Measured]] = {name: [] for name in names}
    with static_answer() as port:
        for number in range(rounds):
            for name in names:
                taken[name].append(CONTENDERS[name](port, seconds))
                said = f"round {number + 1}: {name} {taken[name][-1].rate_per_s:,.0f}/s"
                print(said, file=sys.stderr, flush=True)
    return taken


def recording() -> str:
    """What recording costs, in a sentence."""
    out = pinned([sys.executable, "-m", "benchmarks.recording"])
    line = re.search(r"MEASURED (\{.*\})", out)
    if line is None:
        raise RuntimeError(f"no figures in: {out[-500:]}")
    told = json.loads(line.group(1))
    return (
        f"Recording a request costs {told['record_us']:.2f} us at the median, and {told['whole_us']:.2f} us"
        f" with its share of the adding up (p99 {told['whole_p99_us']:.2f} us)."
    )


def sections(asked: argparse.Namespace) -> Iterator[str]:
    """The parts of the table, each measured when it is asked for."""
    reasons = left_out()
    if "http" in asked.parts:
        names = [name for name in CONTENDERS if name not in reasons]
        yield table.rates(rates(names, asked.rounds, asked.seconds), asked.rounds, asked.seconds)
    if "open" in asked.parts:
        with static_answer() as port:
            done = open_model.measure(port, OPEN_RATE_PER_S, min(asked.rounds, 3), OPEN_SECONDS)
        yield table.open_model(OPEN_RATE_PER_S, done, OPEN_SECONDS)
    beside = []
    if "sql" in asked.parts and find_peer("sysbench"):
        beside.append(stores.sql(asked.rounds, STORE_SECONDS))
    if "redis" in asked.parts and find_peer("redis-benchmark"):
        beside.append(stores.gets(asked.rounds, STORE_SECONDS))
    if beside:
        yield table.stores(beside, asked.rounds)
    if "recording" in asked.parts:
        yield recording()
    if "memory" in asked.parts:
        with static_answer() as port:
            yield memory.measure(port, asked.memory).text
    yield table.machine(reasons)


def write(output: Path | None, told: list[str]) -> None:
    """Keep what is measured so far: a part that breaks loses none of those before it."""
    if output:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text("\n\n".join(["# Benchmarks", *told]))


def main() -> int:
    """Measure, print, and write the table where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2, help="of each contender in each round (default 2)")
    parser.add_argument(
        "--parts", nargs="+", choices=PARTS, default=PARTS, metavar="PART", help=", ".join(PARTS)
    )
    parser.add_argument("--memory", type=int, default=MEMORY_REQUESTS, help="requests to watch memory over")
    parser.add_argument("--output", type=Path, help="write the table to a file, too")
    asked = parser.parse_args()
    began_s = time.monotonic()
    told: list[str] = []
    try:
        for section in sections(asked):
            told.append(section)
            write(asked.output, told)
    except (RuntimeError, HarnessError) as problem:
        print(f"benchmarks: {problem}", file=sys.stderr)
        return 1
    told.append(f"Measured in {time.monotonic() - began_s:.0f} s.\n")
    write(asked.output, told)
    print("\n\n".join(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
