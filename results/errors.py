"""The one family of errors that ends a command in a single clear line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


class HarnessError(Exception):
    """Something the user can act on. The message is one line: what is wrong and what to do.

    `exit_code` follows the command line's documented codes: 1 error, 2 usage, 3 failed, 4 inconclusive.
    """

    exit_code = 1


class UsageError(HarnessError):
    """What was asked for cannot be understood: an unknown name, a wrong syntax, a value out of range."""

    exit_code = 2


def first_problem(problem: ValidationError) -> str:
    """What pydantic minds in what was described, in one line."""
    # A key that is not known is most often the misspelt one that is missed elsewhere.
    first = min(problem.errors(), key=lambda error: error["type"] != "extra_forbidden")
    return f"{'.'.join(map(str, first['loc']))}: {first['msg'].lower()}"
