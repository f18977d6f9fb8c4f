"""A page's data as one HTML file that asks nothing of anyone: styles, script and charts are in it."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reports.parts import Page
from results import HarnessError

TEMPLATES = Path(__file__).parent / "templates"


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Only svg made by reports.charts and the page's own files pass through this filter.
    environment.filters["drawn"] = Markup
    environment.globals["columns"] = columns
    environment.globals["source"] = lambda name: Markup((TEMPLATES / name).read_text("utf-8"))
    return environment


def columns(count: int) -> int:
    """Columns for so many small facts: one row up to 6, else two rows of nearly the same length."""
    rows = -(-count // 6)
    return -(-count // max(rows, 1))


def render(page: Page) -> str:
    """The page as HTML."""
    return _templates().get_template("page.html").render(page=page)


def write_page(page: Page, path: Path) -> Path:
    """Render a page into a file, whole or not at all. Raises HarnessError if it cannot be written."""
    html = render(page)
    unfinished = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(html, encoding="utf-8")
        os.replace(unfinished, path)
    except OSError as problem:
        unfinished.unlink(missing_ok=True)
        raise HarnessError(
            f"cannot write {path}: {problem.strerror}; free some space or choose a folder"
        ) from problem
    return path
