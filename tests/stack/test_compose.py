"""docker-compose.yml: read as YAML wherever tests run, and by compose itself wherever that is to be had."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from stack.compose import NAMES, env_file
from stack.container import settings
from stack.errors import SettingError

ROOT = Path(__file__).resolve().parent.parent.parent
FILE = ROOT / "docker-compose.yml"
PLUGINS = ("/usr/libexec/docker/cli-plugins", "/usr/lib/docker/cli-plugins", "~/.docker/cli-plugins")


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(FILE.read_text())["services"]
    return found


def compose_v2() -> list[str] | None:
    """The command of a compose of version 2 or later, as a program or as docker's plugin."""
    folders = os.pathsep.join([os.environ.get("PATH", ""), *map(os.path.expanduser, PLUGINS)])
    own = shutil.which("docker-compose", path=folders)
    for command in ([own] if own else [], ["docker", "compose"] if shutil.which("docker") else []):
        if command:
            told = subprocess.run([*command, "version"], capture_output=True, text=True, check=False)
            if told.returncode == 0 and re.search(r"\bv?[2-9]\.\d", told.stdout):
                return command
    return None


def test_compose_itself_accepts_it(tmp_path: Path) -> None:
    command = compose_v2()
    if command is None:
        pytest.skip("no docker compose v2 on this machine")
    (tmp_path / "env").write_text(env_file())
    done = subprocess.run(
        [*command, "--env-file", str(tmp_path / "env"), "-f", str(FILE), "config", "-q"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_it_is_the_whole_stack_with_official_images(services: dict[str, dict[str, Any]]) -> None:
    assert {"haproxy", "web1", "web2", "api1", "jobs1", "primary", "replica", "redis"} <= set(services)
    images = {service["image"].partition(":")[0] for service in services.values()}
    assert images == {"mysql", "redis", "haproxy", "harness-app"}
    assert services["primary"]["image"] == services["replica"]["image"] == "mysql:8.4"


def test_whoever_waits_for_a_healthy_service_waits_for_one_with_a_health_check(
    services: dict[str, dict[str, Any]],
) -> None:
    for name, service in services.items():
        for needed, how in service.get("depends_on", {}).items():
            assert needed in services, f"{name} needs {needed}"
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services[needed], f"{name} waits for {needed}"
            else:
                assert needed in ("seed", "replication"), f"{name} waits for the end of {needed}"


def test_nothing_is_published_beyond_loopback(services: dict[str, dict[str, Any]]) -> None:
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_no_password_is_written_in_it_and_none_has_a_default() -> None:
    text = FILE.read_text()
    for name in NAMES:
        assert f"${{{name}:?" in text
    assert not re.search(r"PASSWORD:-", text)


def test_every_file_that_it_mounts_is_there(services: dict[str, dict[str, Any]]) -> None:
    mounted = [v.split(":")[0] for s in services.values() for v in s.get("volumes", []) if v.startswith("./")]
    assert mounted
    assert all((ROOT / file).is_file() for file in mounted)


def test_the_balancer_has_the_rules_of_the_local_one() -> None:
    def rules(file: str) -> set[str]:
        lines = (ROOT / file).read_text().splitlines()
        kept = (line.strip() for line in lines)
        words = (
            "option ",
            "timeout ",
            "retr",
            "acl ",
            "http-re",
            "use_backend",
            "default_backend",
            "balance",
        )
        return {line for line in kept if line.startswith(words)}

    assert rules("stack/containers/haproxy.cfg") == rules("stack/config/haproxy.cfg.j2")


def test_passwords_differ_each_time_and_fit_a_shell_and_sql() -> None:
    assert env_file() != env_file()
    assert re.fullmatch(r"(?:[A-Z_]+=[A-Za-z0-9_-]{20,}\n)+", env_file())


def test_a_container_takes_knobs_as_the_command_line_does() -> None:
    known = {"APP_PASSWORD": "a", "REDIS_PASSWORD": "b"}
    told = settings({**known, "HARNESS_SET": "api.pool_size=2 cache.ttl_s=60"})
    assert (told["knobs"]["api.pool_size"], told["knobs"]["cache.ttl_s"]) == (2, 60)
    with pytest.raises(SettingError, match=r"did you mean api\.pool_size"):
        settings({**known, "HARNESS_SET": "api.poolsize=2"})
