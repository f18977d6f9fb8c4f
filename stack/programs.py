"""Where the server programs are: on the PATH, or unpacked into .servers by tools/setup.sh."""

from __future__ import annotations

import os
import shutil
from functools import cache
from pathlib import Path

from stack.errors import StackError

CHECKOUT = Path(__file__).resolve().parent.parent
UNPACKED = CHECKOUT / ".servers" / "root"
_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin")


@cache
def find_program(*names: str) -> Path:
    """The first program found of several names for it. Raises StackError with what to do if there is none."""
    own = [UNPACKED / "usr" / "sbin", UNPACKED / "usr" / "bin"]
    path = os.pathsep.join([os.environ.get("PATH", ""), *_FOLDERS, *map(str, own)])
    for name in names:
        found = shutil.which(name, path=path)
        if found:
            return Path(found)
    raise StackError(f"{names[0]} is not installed: 'make servers' fetches it, or use --compose")


def data_folder(program: Path, *names: str) -> Path:
    """The folder of a program's data files, such as MariaDB's `share/mysql`, wherever it is installed."""
    for prefix in (program.resolve().parent.parent, program.resolve().parent.parent.parent):
        for name in names:
            if (prefix / name).is_dir():
                return prefix / name
    raise StackError(f"{program} is there, but none of its {', '.join(names)}: install it again")


def environment() -> dict[str, str]:
    """The environment in which server programs find their libraries."""
    if not UNPACKED.is_dir():
        return {}
    folders = [UNPACKED / "usr" / "lib", UNPACKED / "lib", *(UNPACKED / "usr" / "lib").glob("*-linux-*")]
    return {
        "LD_LIBRARY_PATH": os.pathsep.join(
            [*map(str, folders), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])]
        )
    }
