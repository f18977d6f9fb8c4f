"""Workers on other machines: how a run waits for them, and how a machine becomes one."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from load.joining import ROOT, ask_master, become, fingerprint, locust_command, locust_environment
from results import HarnessError, UsageError, parse_duration_s
from results.units import show_duration

DEFAULT_PORT = 5557
"""Locust's own."""


@dataclass(frozen=True)
class Workers:
    """So many are to come to an address within a time."""

    count: int
    host: str
    port: int
    wait_s: float

    @property
    def address(self) -> tuple[str, int]:
        """Where they are waited for."""
        return self.host, self.port

    @property
    def command(self) -> str:
        """What starts one of them."""
        host = socket.gethostname() if self.host == "0.0.0.0" else self.host
        return f"harness worker --master {host}:{self.port}"

    def too_few(self, came: int) -> str:
        """Says that they did not all come in time, and what to do."""
        return (
            f"{came} of {self.count} workers came to {self.host}:{self.port} within"
            f" {show_duration(self.wait_s)}: start the others with '{self.command}', or give a longer --wait"
        )


def workers_from(count: int | None, bind: str, wait: str) -> Workers | None:
    """The workers that a run waits for; None where it makes its load by itself. Raises UsageError."""
    host, port = parse_address(bind)
    wait_s = parse_duration_s(wait)
    return Workers(count, host, port, wait_s) if count else None


def parse_address(text: str) -> tuple[str, int]:
    """HOST or HOST:PORT. Raises UsageError."""
    found = re.fullmatch(r"([\w.-]+)(?::(\d+))?", text)
    port = int(found[2] or DEFAULT_PORT) if found else 0
    if found is None or not 0 < port < 65536:
        said = f"write HOST or HOST:PORT, such as 10.0.0.5:{DEFAULT_PORT}"
        raise UsageError(f"'{text}' is not an address: {said}")
    return found[1], port


def join(master: str, wait: str, say: Callable[[str], None]) -> NoReturn:
    """Become a worker of the run that waits at an address. Raises HarnessError where that cannot be."""
    host, port = parse_address(master)
    wait_s = parse_duration_s(wait)
    say(f"asking {host}:{port} what to do")
    told = ask_master(host, port, wait_s)
    if told is None:
        raise HarnessError(
            f"no run waits at {host}:{port}: start it there with --workers and --bind, and see that this"
            " machine reaches that port"
        )
    scenario = ROOT / told["scenario"]
    if not scenario.is_file():
        raise HarnessError(f"the run's scenario {told['scenario']} is not on this machine: bring {scenario}")
    if fingerprint(scenario) != told["fingerprint"]:
        raise HarnessError(f"{scenario} is not the one that the run has: bring both machines to one state")
    say(f"a worker of {host}:{port} for {told['scenario']}")
    command = locust_command(scenario)
    become(
        [*command, "--worker", "--master-host", host, "--master-port", str(port)],
        locust_environment(told["load"]),
    )
