"""Commands called as the command line calls them, within this process, and stored runs to call them on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import harness
from tests.reports.sample_run import Shape, write_sample


class Said(NamedTuple):
    """What a command ended with."""

    code: int
    out: str
    err: str


Call = Callable[..., Said]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """`harness WORDS`: exit code and what was printed."""
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)

    def run(*words: str | Path) -> Said:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            harness.main.main([str(word) for word in words], prog_name="harness")
        printed = capsys.readouterr()
        code = ended.value.code
        return Said(code if isinstance(code, int) else 0, printed.out, printed.err)

    return run


def store(folder: Path, name: str, slos: str = "", **changes: Any) -> Path:
    """A stored run of 30 s at 120/s."""
    settings: dict[str, Any] = {"stages": "120/s for 30s", "warmup_s": 5, "web1_down": False} | changes
    return write_sample(folder, Shape(slos=slos, **settings), name).parent


@pytest.fixture(scope="session")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A runs folder: one run that keeps its objectives, one that misses one, and one of a slower system."""
    runs = tmp_path_factory.mktemp("stored")
    store(runs, "20260101-100000-good", "p95 < 2s, errors < 1%")
    store(runs, "20260102-100000-missed", "p95 < 2s, todo.list p50 < 1ms", seed=8)
    store(runs, "20260103-100000-slow", "p95 < 2s, errors < 1%", seed=9, capacity_per_s=140.0)
    store(runs, "20260104-100000-none", seed=10)
    return runs
