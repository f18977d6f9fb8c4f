"""What every process has, the machine they run on, the generators, and what watching itself cost."""

from __future__ import annotations

import numpy as np

from analysis.tiers.panel import Panel, Unit

PROBES = "probes"
"""The tier under which the cost of asking is stored: its instances are the tiers that were asked."""
_MOST_TIERS = 7

_PROBE_COLUMNS: list[tuple[str, Unit]] = [
    ("Calls", "per_s"),
    ("Median", "ms"),
    ("Longest", "ms"),
    ("CPU, of one core", "ratio"),
]


def process(panel: Panel, *, chart: bool = True) -> None:
    """CPU and memory; by instance where there are several."""
    samples, tier = panel.samples, panel.tier
    instances = samples.instances(tier, "rss_bytes")
    if len(instances) > 1:
        panel.table(
            "By process",
            [("CPU, mean", "cores"), ("CPU, highest", "cores"), ("Memory, highest", "bytes")],
            [
                (
                    name,
                    [
                        samples.mean(tier, "cpu_ratio", name),
                        samples.highest(tier, "cpu_ratio", name),
                        samples.highest(tier, "rss_bytes", name),
                    ],
                )
                for name in instances
            ],
        )
    else:
        panel.figure("CPU, mean", samples.mean(tier, "cpu_ratio"), "cores", "cores")
        panel.figure("CPU, highest", samples.highest(tier, "cpu_ratio"), "cores", "cores")
        panel.figure("Resident memory, highest", samples.highest(tier, "rss_bytes"), "bytes")
    if chart:
        panel.chart("CPU cores in use", "cores", panel.tracks("cpu_ratio"))


def host(panel: Panel) -> None:
    """The machine."""
    samples = panel.samples
    panel.lead = "Generators, probes and the system may share this machine: what one takes, another lacks."
    panel.figure("CPU, mean", samples.mean("host", "cpu_ratio"), "ratio", "of all cores")
    panel.figure("CPU, highest", samples.highest("host", "cpu_ratio"), "ratio", of=1.0)
    panel.highest("Memory, highest", "memory_used_bytes", "memory_total_bytes", "bytes")
    panel.chart(
        "CPU of the machine", "ratio", panel.tracks("cpu_ratio"), limit=1.0, limit_name="all cores busy"
    )
    tiers = [tier for tier in samples.tiers if tier != "host"]
    cores = [track for tier in tiers for track in panel.track(samples.summed(tier, "cpu_ratio"), tier)]
    cores.sort(key=lambda track: -float(np.nanmean(track.values)))
    panel.chart("CPU cores by tier", "cores", cores[:_MOST_TIERS], stacked=True)


def generator(panel: Panel) -> None:
    """Those who make the load."""
    samples = panel.samples
    panel.lead = "At its own limit a generator measures itself: over 90% of a core the run is not valid."
    panel.figure("CPU, highest", samples.highest("generator", "cpu_ratio"), "cores", "of 1 core each", of=1.0)
    panel.figure("CPU, mean", samples.mean("generator", "cpu_ratio"), "cores", "cores")
    lag_us = samples.highest("generator", "loop_lag_us")
    panel.figure("Loop lag, highest", None if lag_us is None else lag_us / 1e3, "ms")
    panel.chart("CPU of each generator", "cores", panel.tracks("cpu_ratio"), limit=1.0, limit_name="one core")


def probes(panel: Panel) -> None:
    """What asking each tier every second took of the asker, and of the time of whoever was asked."""
    samples, tier = panel.samples, panel.tier
    panel.lead = (
        "Every tier is asked once a second while it is under load. What that took is here; it is part of"
        " every figure of the tiers."
    )
    rows: list[tuple[str, list[float | None]]] = []
    for name in samples.instances(tier):
        series = samples.get(tier, name, "sample_ms")
        inside = samples.within(series) if series is not None else np.empty(0)
        median = float(np.median(inside)) if inside.size else None
        asked = samples.mean(tier, "calls", name)
        longest = samples.highest(tier, "sample_ms", name)
        rows.append((name, [asked, median, longest, samples.mean(tier, "cpu_seconds", name)]))
    rows.sort(key=lambda row: -(row[1][1] or 0.0))
    cores = [values[3] for _, values in rows if values[3] is not None]
    calls = [values[0] for _, values in rows if values[0] is not None]
    panel.figure("CPU of all probes", sum(cores) if cores else None, "ratio", "of one core")
    panel.figure("Calls to the tiers", sum(calls) if calls else None, "per_s", "statements, commands, pages")
    slowest = max((values[1] for _, values in rows if values[1] is not None), default=None)
    panel.figure("Slowest tier to answer", slowest, "ms", "a sample, at the median")
    panel.table("By tier that was asked", _PROBE_COLUMNS, rows, first="Tier", folded=True)
