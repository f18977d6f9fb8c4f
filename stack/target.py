"""What a running stack says of itself, for those who load and watch it."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from stack import redis_nodes, supervision
from stack.asked import Asked
from stack.database import database
from stack.knobs import Knobs
from stack.place import Place
from stack.ports import Ports
from stack.processes import Process, processes
from stack.programs import environment, find_program


def describe_target(place: Place, knobs: Knobs, ports: Ports, made: list[Process]) -> dict[str, Any]:
    """Addresses, credentials, processes, knobs and versions; to be kept readable by the owner alone."""
    info = supervision.process_info(place)
    pids = {name: int(known["pid"]) for name, known in info.items() if known["pid"]}
    secrets = place.credentials()

    def instance(process: Process) -> dict[str, Any]:
        url = f"http://127.0.0.1:{process.port}"
        return {
            "name": process.name,
            "url": url,
            "metrics_url": f"{url}/metrics",
            "pid": pids.get(process.name),
        }

    def database(role: str, port: int) -> dict[str, Any]:
        login = {"user": "probe", "password": secrets["probe"], "database": "app"}
        return {"host": "127.0.0.1", "port": port, **login, "pid": pids.get(role)}

    members = redis_nodes.nodes(knobs, ports)
    redis = {"host": "127.0.0.1", "port": ports.redis, "password": secrets["redis"]}
    if knobs.redis.cluster:
        redis |= {
            "cluster": True,
            "nodes": [{"name": n.name, "host": "127.0.0.1", "port": n.port} for n in members],
        }
    else:
        redis["pid"] = pids.get("redis")

    return {
        "name": place.name,
        "base_url": f"http://127.0.0.1:{ports.lb}",
        "lb": {
            "stats_socket": f"{place.sockets}/haproxy.sock",
            "metrics_url": f"http://127.0.0.1:{ports.lb_metrics}/metrics",
            "log": str(place.logs / "haproxy.log"),
            "pid": pids.get("haproxy"),
        },
        **{tier: [instance(p) for p in made if p.tier == tier] for tier in ("web", "api", "jobs")},
        "primary": database("primary", ports.primary),
        "replica": database("replica", ports.replica),
        "redis": redis,
        "processes": [{"name": p.name, "tier": p.tier, "pid": pids[p.name]} for p in made if p.name in pids],
        "load": {"user": "app", "password": secrets["app"]},
        "knobs": knobs.flat(),
        "versions": versions(knobs),
        "seed": place.read_json("seeded.json"),
        "logs": {p.name: str(place.logs / f"{p.name}.log") for p in made},
    }


def versions(knobs: Knobs) -> dict[str, str]:
    """The versions of the servers, as they print them."""
    asked = {
        "haproxy": [str(find_program("haproxy")), "-v"],
        "redis": [str(find_program("redis-server", "redis-check-rdb")), "--version"],
    }
    found: dict[str, str] = {knobs.db.server: database(knobs).version()}
    for name, command in asked.items():
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment() or None)
        words = done.stdout.split()
        found[name] = next(
            (w.strip(",").removeprefix("v=") for w in words if w.strip("v=,")[:1].isdigit()), "?"
        )
    return found


def write_target(place: Place) -> None:
    """Write target.json anew, as things are now."""
    knobs = Asked.of(place).knobs()
    ports = place.ports(knobs.ports.base)
    described = describe_target(place, knobs, ports, processes(place, knobs, ports))
    place.write("target.json", json.dumps(described, indent=1))
