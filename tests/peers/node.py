"""The genuine tRPC packages, installed once from the lock file beside this into the state folder."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
CACHE = HERE.parent.parent / ".harness" / "cache"


def packages() -> Path:
    """The folder whose node_modules holds the packages; skips the test where it cannot be had."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("node and npm are not installed")
    digest = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()[:12]
    folder = CACHE / f"peers-{digest}"
    if (folder / "complete").is_file():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, folder / name)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("npm did not finish within 120 s")
    if done.returncode:
        pytest.skip(f"npm cannot install the packages: {done.stderr.strip().splitlines()[-1:]}")
    (folder / "complete").touch()
    return folder


def run(script: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A script of this folder under node, with the packages at hand, run to its end."""
    folder, command = _command(script, words)
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def start(script: Path, *words: str) -> subprocess.Popen[str]:
    """The same, started: with pipes to its input and from its output."""
    folder, command = _command(script, words)
    return subprocess.Popen(
        command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )


def _command(script: Path, words: tuple[str, ...]) -> tuple[Path, list[str]]:
    folder = packages()
    # The modules are found from where the script is.
    shutil.copy(script, folder / script.name)
    return folder, ["node", str(folder / script.name), *words]
