"""Which tiers there are, and who fills the panel of each."""

from __future__ import annotations

from collections.abc import Callable

from analysis.samples import Samples
from analysis.tiers.app import api, jobs
from analysis.tiers.data import primary, redis, replica
from analysis.tiers.front import load_balancer, web
from analysis.tiers.panel import Panel, TierPanel
from analysis.tiers.process import PROBES, generator, host, probes, process
from analysis.timeline import MOST_WINDOWS
from analysis.windows import window_s
from results import Gap

TIERS: dict[str, str] = {
    "lb": "Load balancer",
    "web": "Web instances",
    "api": "API",
    "primary": "MySQL primary",
    "replica": "Read replica",
    "redis": "Redis",
    "jobs": "Background jobs",
    "host": "Host",
    "generator": "Load generators",
}
_TITLES = TIERS | {PROBES: "What watching cost"}

_BLIND = {
    "lb": "how evenly the instances were used, and whether requests queued before them",
    "web": "how busy the web instances were",
    "api": "whether a connection pool or the API's own CPU was the limit",
    "primary": "whether writes waited for locks or for the primary",
    "replica": "whether reads were behind the primary, and what they cost it",
    "redis": "what the cache kept away, and whether it had to evict",
    "jobs": "whether background jobs kept up",
    "host": "whether the machine itself was full, and which process filled it",
    "generator": "whether the load generator itself was the limit",
}

_FILL: dict[str, Callable[[Panel], None]] = {
    "lb": load_balancer,
    "web": web,
    "api": api,
    "primary": primary,
    "replica": replica,
    "redis": redis,
    "jobs": jobs,
    "host": host,
    "generator": generator,
    PROBES: probes,
}


def missing_tiers(samples: Samples) -> list[tuple[str, str]]:
    """Tiers that never answered: (title, what the report therefore cannot tell)."""
    return [(title, _BLIND[tier]) for tier, title in TIERS.items() if tier not in samples.tiers]


def tier_panels(samples: Samples, gaps: list[Gap], duration_s: float) -> list[TierPanel]:
    """A panel for each tier that was watched, in the order of a request's way; unknown tiers last."""
    width_s = window_s(duration_s, MOST_WINDOWS)
    known = set(samples.tiers)
    named = [*TIERS, *sorted(known - set(_TITLES)), PROBES]
    panels = []
    for tier in named:
        panel = Panel(samples, tier, width_s)
        _FILL.get(tier, process)(panel)
        panels.append(panel.done(_TITLES.get(tier, tier), gaps))
    return [panel for panel in panels if panel is not None]
