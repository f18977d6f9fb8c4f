"""What pytest sees: where to aim, where runs are kept, and the fixture `load`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_harness.loading import Load


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where to aim and where to keep runs, on the command line and in the configuration."""
    group = parser.getgroup("harness", "load tests")
    group.addoption(
        "--load-target", help="Where `load` aims: a stack's name, one of targets/, or a TOML file."
    )
    group.addoption("--load-runs", help="Where `load` keeps its runs.")
    parser.addini("load_target", "Where `load` aims, unless --load-target says another.", default="")
    parser.addini("load_runs", "Where `load` keeps its runs; runs/ unless said.", default="runs")


@pytest.fixture(scope="session")
def load_target(pytestconfig: pytest.Config) -> str | None:
    """The name of --load-target, or load_target of the configuration; override it to choose by code."""
    said = pytestconfig.getoption("load_target") or pytestconfig.getini("load_target")
    return str(said) if said else None


@pytest.fixture
def load(pytestconfig: pytest.Config, load_target: str | None) -> Load:
    """Makes load: `run = load("scenarios/web/trpc.py", rate="100/s", duration="20s")`."""
    from pytest_harness.loading import Load

    runs = pytestconfig.getoption("load_runs") or pytestconfig.getini("load_runs")
    return Load(pytestconfig.rootpath / runs, load_target)
