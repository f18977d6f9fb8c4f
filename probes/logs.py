"""Warnings and errors in the processes' log files, from where they stood when the run began."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from probes.secrets import hide
from results import LogGroup

_LEVEL = re.compile(
    r"\b(ERROR|CRITICAL|FATAL|WARN(?:ING)?|ALERT|EMERG)\b|\[(ERROR|Warning)\]|^Traceback", re.IGNORECASE
)
_ACCESS = re.compile(r"^\S+:\d+ \[")  # HAProxy's request log: no warnings in there
_VARIES = re.compile(r"0x[0-9a-f]+|\d+")
MOST_BYTES = 20_000_000
"""Of one log in one run: what comes after is not looked at."""
MOST_GROUPS = 50


@dataclass
class _Group:
    """Lines that say the same but for numbers."""

    sample: str
    first_s: float
    lines: int = 0


@dataclass
class LogProbe:
    """One process's log file, read as it grows. `secrets` are hidden in what is quoted of it."""

    tier: str
    instance: str
    path: str
    secrets: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._path = Path(self.path)
        self._at = self._path.stat().st_size if self._path.is_file() else 0
        self._read_bytes = 0
        self._groups: dict[tuple[str, str], _Group] = {}

    def look(self, at_s: float) -> None:
        """Take in what was written since the last time; `at_s` is now, in seconds of the run."""
        for raw in self._new_lines():
            level = _level(raw)
            if level:
                line = hide(raw, self.secrets)
                key = (level, _VARIES.sub("#", line)[:200])
                self._groups.setdefault(key, _Group(line[:500], at_s)).lines += 1

    def groups(self) -> list[LogGroup]:
        """What was found, the most frequent first."""
        ranked = sorted(self._groups.items(), key=lambda item: -item[1].lines)[:MOST_GROUPS]
        return [
            LogGroup(self.tier, self.instance, level, text, group.lines, group.first_s, group.sample)
            for (level, text), group in ranked
        ]

    def _new_lines(self) -> Iterable[str]:
        try:
            with self._path.open("rb") as file:
                if file.seek(0, 2) < self._at:  # it was rotated
                    self._at = 0
                file.seek(self._at)
                read = file.read(MOST_BYTES - self._read_bytes)
        except OSError:
            return []
        whole = read[: read.rfind(b"\n") + 1]
        self._at += len(whole)
        self._read_bytes += len(whole)
        return whole.decode(errors="replace").splitlines()


def _level(line: str) -> str:
    found = None if _ACCESS.match(line) else _LEVEL.search(line)
    if found is None:
        return ""
    return "warning" if (found[0] or "").strip("[]").lower().startswith("warn") else "error"
