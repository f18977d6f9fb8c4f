"""docker-compose.yml: read as YAML wherever tests run, and by compose itself wherever that is to be had."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from stack import compose
from stack.compose import NAMES, env_file
from stack.container import settings
from stack.errors import SettingError, StackError
from stack.knobs import make_knobs

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


@pytest.fixture
def fake_docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `docker` first on the PATH that writes down what it was called with; returns that file."""
    calls = tmp_path / "calls"
    (tmp_path / "bin").mkdir()
    docker = tmp_path / "bin" / "docker"
    docker.write_text(
        "#!/bin/sh\n"
        f'echo "$PWD: $* [$HARNESS_SET]" >> "{calls}"\n'
        '[ "$2" != version ] || { echo 2.32.4; exit 0; }\n'
        f'[ ! -e "{tmp_path}/broken" ] || {{ echo "Cannot connect to the Docker daemon" >&2; exit 17; }}\n'
    )
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return calls


def test_up_makes_the_passwords_once_and_waits_until_all_is_healthy(
    fake_docker: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "a checkout"
    folder.mkdir()
    compose.up({"api.pool_size": "2", "cache.ttl_s": "60"}, folder)
    made = (folder / ".env").read_text()
    assert {line.partition("=")[0] for line in made.splitlines()} == set(NAMES)
    assert (folder / ".env").stat().st_mode & 0o777 == 0o600
    compose.up({}, folder)
    assert (folder / ".env").read_text() == made
    compose.down(folder)
    assert (folder / ".env").read_text() == made  # the data is gone, the passwords serve the next one
    called = [line for line in fake_docker.read_text().splitlines() if " version " not in line]
    assert called == [
        f"{folder}: compose up --build --wait [api.pool_size=2 cache.ttl_s=60]",
        f"{folder}: compose up --build --wait []",
        f"{folder}: compose down --volumes --remove-orphans []",
    ]


def test_what_docker_minds_is_one_line(fake_docker: Path, tmp_path: Path) -> None:
    (tmp_path / "broken").touch()
    with pytest.raises(StackError, match=r"'docker compose up --build --wait' exited with 17"):
        compose.up({}, tmp_path)


def test_a_knob_that_has_no_effect_in_containers_is_refused(fake_docker: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"knob db\.server is of local stacks"):
        compose.up({"db.server": "mysql"}, tmp_path)
    assert not fake_docker.exists()


def test_without_docker_the_command_line_says_so_in_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "harness.py"), "up", "--compose"],
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "docker compose" in line
    assert "without --compose" in line
    assert done.stdout == ""


def test_every_knob_that_containers_take_exists() -> None:
    assert set(compose.SETTABLE) <= set(make_knobs({}).flat())
