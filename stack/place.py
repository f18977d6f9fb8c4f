"""Where a stack lives on disk and on which ports, and what it wrote down about itself."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack.errors import SettingError, StackError
from stack.ports import EACH, FIRST, SLOTS, Ports, is_open, reserved
from stack.programs import CHECKOUT


def state_folder() -> Path:
    """Where stacks and the seed's cache live: $HARNESS_STATE, or .harness in the checkout, else here."""
    home = CHECKOUT if (CHECKOUT / "pyproject.toml").is_file() else Path.cwd()
    return Path(os.environ.get("HARNESS_STATE", home / ".harness")).absolute()


def stack_names() -> list[str]:
    """The stacks that exist, running or not."""
    return sorted(folder.name for folder in (state_folder() / "stacks").glob("*") if folder.is_dir())


@dataclass(frozen=True)
class Place:
    """One stack's folder and what lies in it."""

    name: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,30}", self.name):
            raise SettingError(f"'{self.name}' is no name for a stack: use a-z, 0-9 and - (at most 31)")

    @property
    def folder(self) -> Path:
        """Everything the stack keeps, readable by its owner alone."""
        return state_folder() / "stacks" / self.name

    @property
    def sockets(self) -> Path:
        """Unix sockets: in a short path of their own, for the kernel allows 107 bytes."""
        digest = hashlib.sha256(str(self.folder).encode()).hexdigest()[:10]
        return Path(tempfile.gettempdir()) / f"harness-{os.getuid()}-{digest}"

    @property
    def logs(self) -> Path:
        """One log file a process."""
        return self.folder / "logs"

    @property
    def target(self) -> Path:
        """The description that `harness run` aims by."""
        return self.folder / "target.json"

    @property
    def exists(self) -> bool:
        """Whether there is anything of this stack."""
        return self.folder.is_dir()

    def make(self) -> None:
        """Make the folders, closed to others."""
        for folder in (self.folder, self.logs, self.sockets):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)

    def write(self, name: str, text: str) -> Path:
        """Write a file that only its owner can read; readers meanwhile see the old or the new one."""
        path = self.folder / name
        unfinished = path.with_name(f"{path.name}.{os.getpid()}")
        unfinished.unlink(missing_ok=True)
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        return unfinished.replace(path)

    def read_json(self, name: str) -> dict[str, Any]:
        """What `write` stored as JSON; empty where there is none, or where writing it was cut off."""
        try:
            found: dict[str, Any] = json.loads((self.folder / name).read_text())
        except (OSError, ValueError):
            return {}
        return found

    def credentials(self) -> dict[str, str]:
        """This stack's random passwords, made once."""
        known = self.read_json("credentials.json")
        if not known:
            known = {user: secrets.token_urlsafe(18) for user in ("root", "app", "repl", "probe", "redis")}
            self.write("credentials.json", json.dumps(known))
        return known

    def ports(self, asked_base: int) -> Ports:
        """The stack's ports: those asked for, or those that it was brought up on."""
        return Ports(asked_base or int(self.read_json("ports.json").get("base", FIRST)))

    @contextmanager
    def own_ports(self, asked_base: int) -> Iterator[Ports]:
        """The stack's ports, which no other `up` on this machine takes meanwhile. Raises StackError.

        Those asked for, those it had before, or the first hundred that nobody has.
        """
        known = asked_base or int(self.read_json("ports.json").get("base", 0))
        for base in [known] if known else SLOTS:
            with reserved(base) as is_own:
                if is_own and (known or (is_open(base) and base not in self._bases_of_others())):
                    if not asked_base:
                        self.write("ports.json", json.dumps({"base": base}))
                    yield Ports(base)
                    return
        if known:
            raise StackError(
                f"another 'harness up' is at work on ports {known} to {known + EACH - 1}: wait for it, or"
                " choose others with --set ports.base=PORT"
            )
        raise StackError(f"no {EACH} ports from {FIRST} on are free: take a stack down")

    def _bases_of_others(self) -> set[int]:
        others = (Place(name) for name in stack_names() if name != self.name)
        return {int(one.read_json("ports.json").get("base", 0)) for one in others}

    def active_faults(self) -> list[str]:
        """The disturbances that were begun and not ended."""
        return list(self.read_json("faults.json").get("on", []))

    def set_fault(self, name: str, *, on: bool) -> None:
        """Write down that a disturbance begins or has ended."""
        others = [known for known in self.active_faults() if known != name]
        self.write("faults.json", json.dumps({"on": [*others, name] if on else others}))
