"""The plugin as installed from a built wheel, in a virtual environment and a project that know no checkout.

The packages that the harness depends on are lent to the new environment by path, so that nothing is fetched.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
ROOMS = (
    *("commands", "pytest_harness", "results", "analysis", "probes", "load", "drive", "reports", "stack"),
    *("scenarios", "plans", "targets"),
)
SCENARIO = """
from locust import task
from load.users import LeanHttpUser

class Visitor(LeanHttpUser):
    @task
    def home(self):
        self.client.get("/", name="the front page")
"""
TEST = """
import contextlib, pathlib, harness
from pytest_harness.loading import NotValid

def test_home(load):
    with contextlib.suppress(NotValid):  # as a busy machine makes it, with its page all the same
        assert load("visit.py", rate="40/s", duration="8s", warmup="1s").slo("errors < 1%")
    (page,) = pathlib.Path("runs").glob("*/report.html")
    assert "the front page" in page.read_text()
    assert pathlib.Path(harness.__file__).is_relative_to({site!r})

def test_a_scenario_of_the_package(load):
    from drive.plan import plan_from
    assert plan_from("web/browse").scenario.is_relative_to({site!r})
    assert plan_from("demo").name == "demo"
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, as building leaves its traces."""
    folder = tmp_path_factory.mktemp("wheel")
    copy = folder / "source"
    unwanted = shutil.ignore_patterns("__pycache__")
    for room in ROOMS:
        shutil.copytree(ROOT / room, copy / room, ignore=unwanted)
    for name in ("harness.py", "pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, copy / name)
    words = ["-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run(
        [sys.executable, *words, "-w", folder, copy], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a new environment with the wheel in it."""
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    words = ["-m", "pip", "--python", str(python), "install", "-q", "--no-deps", "--no-index", str(wheel)]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (site,) = folder.glob("lib/python*/site-packages")
    # Later on the path than the wheel's own files; .pth files within it, such as a checkout's, do not count.
    (site / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


@pytest.fixture
def site() -> Iterator[str]:
    """A page that is always there."""

    class Page(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def clean() -> dict[str, str]:
    """An environment that leads to no checkout."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "HARNESS_STATE")}


def test_the_wheel_has_every_file_that_the_rooms_have(wheel: Path) -> None:
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if not name.startswith("harness-")}
    there = {
        str(file.relative_to(ROOT))
        for room in ROOMS
        for file in (ROOT / room).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert there - packed == set()
    assert packed - there == {"harness.py"}


def test_load_is_made_from_a_test_where_only_the_wheel_is_installed(
    python: Path, site: str, tmp_path: Path
) -> None:
    (home,) = python.parent.parent.glob("lib/python*/site-packages")
    (tmp_path / "visit.py").write_text(SCENARIO)
    (tmp_path / "test_home.py").write_text(TEST.format(site=str(home)))
    (tmp_path / "here.toml").write_text(f'allow_load = true\nbase_url = "{site}"\n')
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--load-target", "here.toml", "test_home.py"]
    done = subprocess.run(
        [python, *words], cwd=tmp_path, env=clean(), capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_the_command_is_there_and_keeps_its_state_where_it_is_called(python: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [python.parent / "harness", "status"], cwd=tmp_path, env=clean(), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert "stack default: not up" in done.stdout, done.stderr
    told = subprocess.run(
        [python, "-c", "from stack.place import state_folder; print(state_folder())"],
        cwd=tmp_path, env=clean(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert Path(told.stdout.strip()) == tmp_path / ".harness"
