"""Warnings and errors in the processes' log files, from where they stood when the run began."""

from __future__ import annotations

import re
from pathlib import Path

from probes.secrets import hide
from results import LogGroup

_LEVEL = re.compile(
    r"\b(ERROR|CRITICAL|FATAL|WARN(?:ING)?|ALERT|EMERG)\b|\[(ERROR|Warning)\]|^Traceback", re.IGNORECASE
)
_ACCESS = re.compile(r"^\S+:\d+ \[")  # HAProxy's request log: no warnings in there
_VARIES = re.compile(r"0x[0-9a-f]+|\d+")
MOST_BYTES = 20_000_000
MOST_GROUPS = 50


class LogProbe:
    """One process's log file."""

    def __init__(self, tier: str, instance: str, path: str, secrets: list[str] | None = None) -> None:
        """`secrets` are hidden in what is quoted of the log."""
        self.tier = tier
        self.instance = instance
        self._path = Path(path)
        self._secrets = secrets or []
        self._from = self._path.stat().st_size if self._path.is_file() else 0

    def groups(self) -> list[LogGroup]:
        """Lines of the run's window that say the same but for numbers, the most frequent first."""
        found: dict[tuple[str, str], tuple[int, str]] = {}
        for raw in self._lines():
            level = _level(raw)
            if level:
                line = hide(raw, self._secrets)
                key = (level, _VARIES.sub("#", line)[:200])
                count, sample = found.get(key, (0, line[:500]))
                found[key] = (count + 1, sample)
        ranked = sorted(found.items(), key=lambda item: -item[1][0])[:MOST_GROUPS]
        return [
            LogGroup(self.tier, self.instance, level, text, count, 0.0, sample)
            for (level, text), (count, sample) in ranked
        ]

    def _lines(self) -> list[str]:
        try:
            with self._path.open("rb") as file:
                if self._path.stat().st_size >= self._from:  # else it was rotated: read it all
                    file.seek(self._from)
                return file.read(MOST_BYTES).decode(errors="replace").splitlines()
        except OSError:
            return []


def _level(line: str) -> str:
    found = None if _ACCESS.match(line) else _LEVEL.search(line)
    if found is None:
        return ""
    return "warning" if (found[0] or "").strip("[]").lower().startswith("warn") else "error"
