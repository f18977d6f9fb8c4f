"""Which processes make up a stack, how each is started, and the configuration files they read."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from stack import redis_nodes
from stack.database import database
from stack.knobs import Knobs
from stack.place import Place
from stack.ports import Ports
from stack.programs import CHECKOUT, environment, find_program

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "config"), undefined=StrictUndefined, autoescape=False
)
_templates.filters["escaped"] = lambda value: str(value).replace("%", "%%")  # supervisord expands %


@dataclass(frozen=True)
class Process:
    """One process of a stack. `port` is the one that shows it is ready."""

    name: str
    tier: str
    command: list[str]
    port: int

    @property
    def shell_command(self) -> str:
        """The command as supervisord reads it: quoted, and with its own % expansion escaped."""
        return shlex.join(self.command).replace("%", "%%")


def processes(place: Place, knobs: Knobs, ports: Ports) -> list[Process]:
    """Every process of the stack, in the order in which they are started."""
    app = [sys.executable, "-m"]
    server = database(knobs)
    config = str(place.folder / "app.json")

    def instances(tier: str, count: int, port: Any) -> list[Process]:
        return [
            Process(
                f"{tier}{n}", tier, [*app, f"stack.app.{tier}", config, f"{tier}{n}", str(port(n))], port(n)
            )
            for n in range(1, count + 1)
        ]

    return [
        Process("primary", "primary", server.command(place, knobs, "primary", ports.primary), ports.primary),
        Process("replica", "replica", server.command(place, knobs, "replica", ports.replica), ports.replica),
        *(
            Process(node.name, "redis", redis_nodes.command(place, node), node.port)
            for node in redis_nodes.nodes(knobs, ports)
        ),
        *instances("api", knobs.api.instances, ports.api),
        *instances("web", knobs.web.instances, ports.web),
        *instances("jobs", knobs.jobs.workers, ports.jobs),
        Process(
            "haproxy",
            "lb",
            [str(find_program("haproxy")), "-db", "-f", str(place.folder / "haproxy.cfg")],
            ports.lb,
        ),
    ]


def write_configuration(place: Place, knobs: Knobs, ports: Ports) -> list[Process]:
    """Write what the processes read when they start, closed to others. Returns the processes."""
    secrets = place.credentials()
    made = processes(place, knobs, ports)
    known: dict[str, Any] = {
        "knobs": knobs,
        "ports": ports,
        "folder": place.folder,
        "logs": place.logs,
        "sockets": place.sockets,
        "processes": made,
        "environment": {"PYTHONPATH": str(CHECKOUT), **environment()},
    }
    for name in ("haproxy.cfg", "supervisord.conf"):
        place.write(name, _templates.get_template(f"{name}.j2").render(known) + "\n")
    for node in redis_nodes.nodes(knobs, ports):
        redis_nodes.configure(place, knobs, node)
    place.write("init.sql", database(knobs).accounts_sql(secrets))
    place.write("app.json", json.dumps(app_settings(place, knobs, ports), indent=1))
    return made


def app_settings(place: Place, knobs: Knobs, ports: Ports) -> dict[str, Any]:
    """What the application's processes are told: addresses, credentials and knobs."""
    secrets = place.credentials()
    login = {"host": "127.0.0.1", "user": "app", "password": secrets["app"], "database": "app"}
    return {
        "primary": {**login, "port": ports.primary},
        "replica": {**login, "port": ports.replica},
        "redis": {
            "host": "127.0.0.1",
            "port": ports.redis,
            "password": secrets["redis"],
            "cluster": knobs.redis.cluster,
        },
        "api_url": f"http://127.0.0.1:{ports.lb_api}",
        "knobs": knobs.flat(),
    }
