"""How a stack comes to be: its data, its processes one after the other, each waited for until it is ready."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable

import pymysql

from stack import admin, redis_nodes, supervision
from stack.database import database
from stack.errors import StackError
from stack.knobs import Knobs
from stack.place import Place
from stack.ports import Ports, holder, is_free
from stack.processes import Process, write_configuration
from stack.programs import CHECKOUT
from stack.seeding import cached_seed, keep_seed, seed_facts
from stack.supervision import wait_until
from stack.target import write_target

Say = Callable[[str], None]

_READY_S = 60.0
"""How long a process may take that has not ended: a database after a crash, on a busy machine."""


def start_processes(place: Place, knobs: Knobs, say: Say) -> None:
    """From a stopped stack, or an empty folder, to one that serves. Raises StackError."""
    with place.own_ports(knobs.ports.base) as ports:
        _start_on(place, knobs, ports, say)


def _start_on(place: Place, knobs: Knobs, ports: Ports, say: Say) -> None:
    made = write_configuration(place, knobs, ports)
    _check_ports(made, ports)
    by_name = {process.name: process for process in made}
    server = database(knobs)
    if place.read_json("seeded.json") != seed_facts(knobs):
        _clear_data(place)
        if not _copy_kept_seed(place, knobs, say):
            server.bootstrap(place.folder / "primary")
    supervision.launch(place)
    _start_and_wait(place, [by_name["primary"]])
    if not place.read_json("seeded.json"):
        _seed(place, by_name["primary"], knobs, say)
    _start_and_wait(place, [process for process in made if process.tier in ("replica", "redis")])
    if knobs.redis.cluster:
        say("forming the Redis cluster")
        redis_nodes.form_cluster(place, redis_nodes.nodes(knobs, ports))
    server.start_replication(place, ports.primary)
    say("starting the application")
    _start_and_wait(place, [process for process in made if process.tier in ("api", "jobs", "lb")])
    _start_and_wait(place, [process for process in made if process.tier == "web"])
    if not wait_until(lambda: _serves(f"http://127.0.0.1:{ports.lb}/signin"), _READY_S):
        raise StackError(f"the stack does not serve its sign-in page: see {place.logs}")
    write_target(place)


def _check_ports(made: Iterable[Process], ports: Ports) -> None:
    wanted = {process.port: process.name for process in made}
    wanted |= {ports.lb_metrics: "haproxy's metrics", ports.lb_api: "haproxy's inner door"}
    for port, name in wanted.items():
        if not is_free(port):
            raise StackError(
                f"port {port} for {name} is taken by {holder(port)}: end it, or choose others with"
                f" --set ports.base={ports.base + 5000 if ports.base < 27000 else 20000}"
            )


def _start_and_wait(place: Place, several: list[Process]) -> None:
    for process in several:
        supervision.start(place, process.name)
    for process in several:
        _wait_for(place, process)


def _wait_for(place: Place, process: Process) -> None:
    wait_until(lambda: _ready(place, process) or _ended(place, process), _READY_S)
    if _ended(place, process) or not _ready(place, process):
        words = supervision.tail(place.logs / f"{process.name}.log", 1)
        raise StackError(f"{process.name} did not become ready: {words or 'its log is empty'}")


def _ended(place: Place, process: Process) -> bool:
    return not supervision.process_info(place).get(process.name, {}).get("pid")


def _ready(place: Place, process: Process) -> bool:
    if process.tier in ("primary", "replica"):
        try:
            admin.connect(place, process.name).close()
        except (pymysql.MySQLError, OSError):
            return False
        return True
    if process.tier in ("api", "web", "jobs"):
        return _serves(f"http://127.0.0.1:{process.port}/health")
    return not is_free(process.port)


def _serves(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _copy_kept_seed(place: Place, knobs: Knobs, say: Say) -> bool:
    kept = cached_seed(knobs)
    if kept is None:
        return False
    say(f"copying the {knobs.seed.size} seed made earlier")
    for role in ("primary", "replica"):
        shutil.copytree(kept / "data", place.folder / role)
    place.write("seeded.json", (kept / "seeded.json").read_text())
    return True


def _seed(place: Place, primary: Process, knobs: Knobs, say: Say) -> None:
    say(f"seeding ({knobs.seed.size}); kept for the next time")
    done = subprocess.run(
        [sys.executable, "-m", "stack.app.seed", str(place.folder / "app.json"), knobs.seed.size],
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        check=False,
    )
    if done.returncode:
        raise StackError(f"seeding failed: {(done.stderr.strip() or 'killed').splitlines()[-1]}")
    database(knobs).forget_binlog(place)
    supervision.stop(place, "primary")
    keep_seed(place, knobs)
    # A MySQL server's own number is in auto.cnf: a copy has to make one of its own.
    shutil.copytree(
        place.folder / "primary", place.folder / "replica", ignore=shutil.ignore_patterns("auto.cnf")
    )
    # Written last: whatever is cut off before this begins anew the next time.
    place.write("seeded.json", json.dumps(seed_facts(knobs)))
    _start_and_wait(place, [primary])


def _clear_data(place: Place) -> None:
    (place.folder / "seeded.json").unlink(missing_ok=True)
    for folder in ("primary", "replica"):
        shutil.rmtree(place.folder / folder, ignore_errors=True)
