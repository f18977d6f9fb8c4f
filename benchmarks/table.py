"""The benchmark's figures as Markdown."""

from __future__ import annotations

import os
import platform
import statistics
from pathlib import Path

from benchmarks.contenders import BARE, CONNECTIONS, Measured
from benchmarks.open_model import OpenRound, row
from benchmarks.peers import versions
from benchmarks.stores import Beside


def rates(taken: dict[str, list[Measured]], rounds: int, seconds: int) -> str:
    """Medians over the rounds, fastest first, and how often as fast as Locust's fast client each is."""
    rate = {name: statistics.median(m.rate_per_s for m in ms) for name, ms in taken.items()}
    lines = [
        "| generator | requests/s | lowest to highest | CPU us/request | rate x Fast | CPU x Fast |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name in sorted(taken, key=lambda each: -rate[each]):
        spread = [m.rate_per_s for m in taken[name]]
        cost_us = statistics.median(m.cpu_us for m in taken[name])
        lines.append(
            f"| {f'**{name}**' if name == 'harness' else name} | {rate[name]:,.0f} |"
            f" {min(spread):,.0f} to {max(spread):,.0f} | {cost_us:.1f} |"
            f" {_ratio(taken, name, 'FastHttpUser', 'rate_per_s')} |"
            f" {_ratio(taken, name, 'FastHttpUser', 'cpu_us')} |"
        )
    others = [
        f"{_ratio(taken, 'harness', other, 'rate_per_s')} x {other}"
        for other in (BARE, "hey", "wrk")
        if other in taken
    ]
    said = (
        f"Fast is FastHttpUser. Medians of {rounds} alternating rounds of {seconds} s, {CONNECTIONS}"
        " connections, the same static answer from HAProxy; generator on core 0, server on core 1. Ratios"
        " are medians of the ratios within each round, as the machine's speed changes between rounds. The"
        f" harness: closed model, an ordinary scenario, all recording on; it makes {', '.join(others)}."
    )
    return "\n".join([*lines, "", said])


def _ratio(taken: dict[str, list[Measured]], name: str, base: str, figure: str) -> str:
    """The median over the rounds of how often as much one has of a figure as another."""
    pairs = zip(taken.get(name, []), taken.get(base, []), strict=False)
    ratios = [getattr(one, figure) / getattr(other, figure) for one, other in pairs if getattr(other, figure)]
    return f"{statistics.median(ratios):.2f}" if ratios else "-"


def open_model(rate_per_s: int, rounds: list[OpenRound], seconds: int) -> str:
    """The open model's line, with what it means."""
    head = "| open model | fell due | done | short by | wake-up lag p50 | p99 | CPU of a core |"
    said = f"Poisson arrivals, medians of {len(rounds)} rounds of {seconds} s."
    return "\n".join([head, "|---|---:|---:|---:|---:|---:|---:|", row(rate_per_s, rounds), "", said])


def stores(beside: list[Beside], rounds: int) -> str:
    """The clients of MySQL and Redis beside their peers."""
    head = "| one connection | p50 here, us | peer | its p50, us | difference, us | lowest to highest |"
    said = f"Medians of {rounds} alternating rounds."
    return "\n".join([head, "|---|---:|---|---:|---:|---:|", *(b.row for b in beside), "", said])


def machine(reasons: dict[str, str]) -> str:
    """The machine and the versions in a line, and who was left out, why."""
    model = "unknown CPU"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    system = f"Linux {platform.release()}, Python {platform.python_version()}"
    text = f"Machine: {model}, {os.cpu_count()} cores, {system}; {versions()}."
    return "\n".join([text, *(f"Left out: {name}, {why}." for name, why in reasons.items())])
