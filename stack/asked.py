"""What was asked of a stack when it was last brought up: settings and faults, and the knobs that follow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from stack.knobs import Knobs, make_knobs
from stack.place import Place

FAULT_KNOBS: dict[str, dict[str, str]] = {
    "small-pool": {"api.pool_size": "1"},
    "cold-cache": {"cache.ttl_s": "1"},
    "redis-small": {"redis.maxmemory": "4mb"},
    "lb-maxconn": {"lb.maxconn": "8"},
    "few-api-workers": {"api.workers": "1"},
    "max-connections-low": {"db.max_connections": "10"},
}
"""The faults that are nothing but a knob turned wrong: they take effect when a stack is brought up."""


@dataclass(frozen=True)
class Asked:
    """Settings as given (`{"api.pool_size": "2"}`) and the names of faults."""

    settings: Mapping[str, str]
    faults: tuple[str, ...] = ()

    @classmethod
    def of(cls, place: Place) -> Asked:
        """What was asked last; nothing where no stack is."""
        known = place.read_json("asked.json")
        return cls(known.get("settings", {}), tuple(known.get("faults", ())))

    def keep(self, place: Place) -> None:
        """Write it down."""
        place.write("asked.json", json.dumps({"settings": dict(self.settings), "faults": self.faults}))

    def knobs(self) -> Knobs:
        """Defaults, over them the settings, over them the faults. Raises SettingError."""
        settings = dict(self.settings)
        for fault in self.faults:
            settings.update(FAULT_KNOBS.get(fault, {}))
        return make_knobs(settings)
