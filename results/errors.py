"""The one family of errors that ends a command in a single clear line."""

from __future__ import annotations


class HarnessError(Exception):
    """Something the user can act on. The message is one line: what is wrong and what to do.

    `exit_code` follows the command line's documented codes: 1 error, 2 usage, 3 failed, 4 inconclusive.
    """

    exit_code = 1


class UsageError(HarnessError):
    """What was asked for cannot be understood: an unknown name, a wrong syntax, a value out of range."""

    exit_code = 2
