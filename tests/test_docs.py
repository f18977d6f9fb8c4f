"""What the README and docs tell the reader to type exists: every command, argument and option."""

import re
import shlex
from pathlib import Path

import click
import pytest

import harness

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^ *```sh\n(.*?)```", re.DOTALL | re.MULTILINE)


def commands(program: str) -> list[list[str]]:
    """Every command line of a program in a page's sh blocks, without its comment."""
    lines = [
        line.strip()
        for page in PAGES
        for block in BLOCK.findall(page.read_text())
        for line in block.splitlines()
    ]
    return [shlex.split(line, comments=True)[1:] for line in lines if line.split(" ")[0] == program]


@pytest.mark.parametrize("words", commands("harness"), ids=" ".join)
def test_a_harness_command_is_one(words: list[str]) -> None:
    name, *rest = words
    command: click.Command = harness.main.commands[name]
    if isinstance(command, click.Group) and rest and rest[0] in command.commands:
        name, *rest = rest
        command = command.commands[name]
    context = command.make_context(name, rest, parent=click.Context(harness.main))
    assert context.params is not None


@pytest.mark.parametrize("words", commands("make"), ids=" ".join)
def test_a_make_command_is_a_target(words: list[str]) -> None:
    assert re.search(rf"^{words[0]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("words", commands("cp"), ids=" ".join)
def test_what_is_copied_is_there(words: list[str]) -> None:
    assert (ROOT / words[0]).is_file()
    assert not (ROOT / words[1]).exists()


@pytest.mark.parametrize("words", commands("locust"), ids=" ".join)
def test_a_locust_command_is_of_a_scenario_that_is_there_or_copied(words: list[str]) -> None:
    scenario = words[words.index("-f") + 1]
    assert (ROOT / scenario).is_file() or scenario in [copy for _, copy in commands("cp")]


def test_pages_link_to_pages_that_exist() -> None:
    for page in PAGES:
        for link in re.findall(r"\]\(((?!http)[^)#]+)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name} links to {link}"
