"""Who may import whom: data goes one way, and only what makes load imports gevent."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = (
    "results",
    "analysis",
    "probes",
    "load",
    "scenarios",
    "drive",
    "reports",
    "stack",
    "commands",
    "pytest_harness",
)
ALLOWED = {
    "results": set(),
    "analysis": {"results"},
    "probes": {"results"},
    "load": {"results"},
    "scenarios": {"load"},
    "reports": {"results", "analysis"},
    "stack": set(),
    "drive": {"results", "analysis", "probes", "load", "stack"},
    "commands": {"results", "analysis", "drive", "reports", "stack"},
    "pytest_harness": {"results", "analysis", "drive", "reports", "stack"},
}


def imported_by(file: Path) -> set[str]:
    """Top-level names that a file imports anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_the_rooms_below_it(room: str) -> None:
    strays = {
        (str(file.relative_to(ROOT)), name)
        for file in (ROOT / room).rglob("*.py")
        for name in imported_by(file) & set(ROOMS) - {room} - ALLOWED[room]
    }
    assert not strays


def test_only_load_and_scenarios_import_locust_or_gevent() -> None:
    strays = {
        str(file.relative_to(ROOT))
        for room in set(ROOMS) - {"load", "scenarios"}
        for file in (ROOT / room).rglob("*.py")
        if imported_by(file) & {"locust", "gevent"}
    }
    assert not strays


@pytest.mark.parametrize("module", ["reports.page", "reports.terminal", "drive.course", "harness"])
def test_importing_it_brings_no_gevent_along(module: str) -> None:
    script = f"import sys, {module}; print([n for n in ('gevent', 'locust') if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_locustfiles_have_names_of_their_own() -> None:
    names = [file.stem for file in (ROOT / "scenarios").rglob("*.py") if file.stem != "__init__"]
    assert len(names) == len(set(names))
    assert not set(names) & {"redis", "pymysql", "locust", "gevent", "json", "random"}
